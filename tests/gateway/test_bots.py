"""A tenant's bots: registered, looked at, suspended, resumed, removed; and nobody else's."""

from __future__ import annotations

import pytest

from domain.refusal import Refused
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, TENANT, TOKEN_TEXT
from tests.gateway.fakes import House

OTHER_TOKEN = f"{OTHER_BOT_ID}:AAHexamplesAreNotSecretsAtAll_0123456"


def test_a_registered_bot_is_in_the_list_at_once(house: House) -> None:
    answer = house.call("POST", "/api/bots", {"token": f" {OTHER_TOKEN}\n"})
    listed = house.call("GET", "/api/bots").json()["bots"]

    assert 201 == answer.status_code
    assert {
        "bot_id": OTHER_BOT_ID,
        "username": "examples_bot",
        "status": "active",
        "ownership": "registered",
        "position": int(answer.headers["Botloft-Position"]),
    } == answer.json()
    assert [BOT_ID, OTHER_BOT_ID] == [bot["bot_id"] for bot in listed]


def test_a_bot_is_shown_with_what_is_known_of_it(house: House) -> None:
    answer = house.call("GET", f"/api/bots/{BOT_ID}")

    assert 200 == answer.status_code
    assert {
        "bot_id": BOT_ID,
        "username": "examples_bot",
        "first_name": "Examples",
        "status": "active",
        "ownership": "registered",
        "suspended_reason": None,
        "registered_at": "2026-07-01T12:00:00Z",
        "config": {},
        "updates": {"wanted": "polling", "state": "polling", "last_update_age_s": 2.0},
    } == answer.json()
    assert house.runner.position("bots") == int(answer.headers["Botloft-Position"])


@pytest.mark.parametrize("token", ["", "x", "123", ":abc", "7000000001:", "0123:AAH", "7" * 90, "7000000001:a b"])
def test_what_is_no_token_is_refused_before_anybody_is_asked(house: House, token: str) -> None:
    answer = house.call("POST", "/api/bots", {"token": token})

    assert (422, "token_format") == (answer.status_code, answer.json()["code"])
    assert [] == house.fleet.asked


@pytest.mark.parametrize(
    ("refused", "status", "retry_after"),
    [
        (Refused("token_unauthorized", "Telegram refuses this token."), 409, None),
        (Refused("token_unreachable", "Telegram could not be asked. Nothing was registered.", 5.0), 503, "5"),
        (Refused("telegram_hold", "Telegram asks to wait.", 1.2), 429, "2"),
        (Refused("shutting_down", "The gateway is stopping.", 2.0), 503, "2"),
    ],
)
def test_a_token_that_telegram_does_not_confirm_registers_nothing(
    house: House, refused: Refused, status: int, retry_after: str | None
) -> None:
    house.fleet.says = refused
    answer = house.call("POST", "/api/bots", {"token": OTHER_TOKEN})

    assert (status, refused.code, refused.detail, retry_after) == (
        answer.status_code,
        answer.json()["code"],
        answer.json()["detail"],
        answer.headers.get("Retry-After"),
    )
    assert refused.retry_after_s == answer.json().get("retry_after_s")


def test_one_s_own_bot_twice_exists_already(house: House) -> None:
    answer = house.call("POST", "/api/bots", {"token": TOKEN_TEXT})

    assert (409, "bot_exists") == (answer.status_code, answer.json()["code"])


def test_a_bot_that_another_tenant_has_is_unverified_and_discloses_nothing(house: House) -> None:
    answer = house.call("POST", "/api/bots", {"token": TOKEN_TEXT}, key=house.other_key)
    shown = house.call("GET", f"/api/bots/{BOT_ID}", key=house.other_key).json()

    assert (201, "unverified", "unverified") == (
        answer.status_code,
        answer.json()["status"],
        answer.json()["ownership"],
    )
    assert ("unverified", "unverified") == (shown["status"], shown["ownership"])
    assert TENANT not in answer.text
    assert ["active"] == [bot["status"] for bot in house.call("GET", "/api/bots").json()["bots"]]


def test_an_unverified_bot_takes_no_commands_and_shows_no_health(house: House) -> None:
    house.call("POST", "/api/bots", {"token": TOKEN_TEXT}, key=house.other_key)
    sent = house.send(key=house.other_key)
    health = house.call("GET", f"/api/bots/{BOT_ID}/health", key=house.other_key)
    suspended = house.call("POST", f"/api/bots/{BOT_ID}/suspend", {}, key=house.other_key)

    assert [(409, "bot_unverified")] * 3 == [(a.status_code, a.json()["code"]) for a in (sent, health, suspended)]


def test_a_suspended_bot_says_why_and_sends_nothing(house: House) -> None:
    answer = house.call("POST", f"/api/bots/{BOT_ID}/suspend", {"reason": "holidays"})
    shown = house.call("GET", f"/api/bots/{BOT_ID}").json()
    sent = house.send()

    assert (200, "suspended") == (answer.status_code, answer.json()["status"])
    assert ("suspended", "holidays") == (shown["status"], shown["suspended_reason"])
    assert (409, "bot_suspended", "not_sent") == (sent.status_code, sent.json()["code"], sent.json()["outcome"])
    assert "holidays" in sent.json()["detail"]


def test_a_bot_is_suspended_without_a_body_too(house: House) -> None:
    house.call("POST", f"/api/bots/{BOT_ID}/suspend")

    assert "by its owner" == house.call("GET", f"/api/bots/{BOT_ID}").json()["suspended_reason"]


def test_a_resumed_bot_is_at_work_again(house: House) -> None:
    house.call("POST", f"/api/bots/{BOT_ID}/suspend")
    answer = house.call("POST", f"/api/bots/{BOT_ID}/resume")

    assert (200, "active") == (answer.status_code, answer.json()["status"])
    assert 200 == house.send().status_code


def test_a_bot_that_is_at_work_already_has_nothing_to_record(house: House) -> None:
    answer = house.call("POST", f"/api/bots/{BOT_ID}/resume")

    assert (200, None) == (answer.status_code, answer.json()["position"])
    assert "Botloft-Position" not in answer.headers


def test_a_removed_bot_is_gone_at_once(house: House) -> None:
    answer = house.call("DELETE", f"/api/bots/{BOT_ID}")

    assert (204, b"") == (answer.status_code, answer.content)
    assert {"bots": []} == house.call("GET", "/api/bots").json()
    assert 404 == house.call("GET", f"/api/bots/{BOT_ID}").status_code
    assert 404 == house.call("DELETE", f"/api/bots/{BOT_ID}").status_code


NO_BOT_IDS = ["0", "-1", "+1", "abc", "1.5", "007", str(10**30), "%00", "%20", "1%00", "٣", "1e3"]
BOT_ROUTES = [
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/suspend"),
    ("POST", "/resume"),
    ("GET", "/health"),
    ("GET", "/commands"),
    ("POST", "/commands/getMe"),
]


@pytest.mark.parametrize(("method", "rest"), BOT_ROUTES)
def test_another_tenant_s_bot_and_nobody_s_are_the_same(house: House, method: str, rest: str) -> None:
    theirs = house.call(method, f"/api/bots/{BOT_ID}{rest}", key=house.other_key)
    nobody_s = house.call(method, f"/api/bots/123{rest}", key=house.other_key)

    assert (404, "not_found") == (theirs.status_code, theirs.json()["code"])
    assert theirs.json() == nobody_s.json()
    assert OTHER_TENANT not in theirs.text


@pytest.mark.parametrize(("method", "rest"), BOT_ROUTES)
@pytest.mark.parametrize(
    "bot_id", ["0", "-1", "+1", "abc", "1.5", "007", str(10**30), "%00", "%20", "1%00", "٣", "1e3"]
)
def test_what_is_no_bot_s_id_is_nobody_s_bot(house: House, method: str, rest: str, bot_id: str) -> None:
    answer = house.call(method, f"/api/bots/{bot_id}{rest}")

    assert (404, "not_found") == (answer.status_code, answer.json()["code"])
    assert [] == house.fleet.asked


def test_a_reason_with_a_token_in_it_is_recorded_without(house: House) -> None:
    house.call("POST", f"/api/bots/{BOT_ID}/suspend", {"reason": f"leaked {TOKEN_TEXT}"})

    assert "leaked <token>" == house.fleet.asked[-1].reason
