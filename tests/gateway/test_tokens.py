"""The routes of tokens: what they take, and what they say of what was found."""

from __future__ import annotations

import pytest

from domain.rules.validation import Verdict
from tests.examples import BOT_ID, OTHER_BOT_ID, TOKEN_TEXT
from tests.gateway.fakes import House

BOT = f"/api/bots/{BOT_ID}"
ANOTHER = f"{BOT_ID}:AAHanotherOfTheSameBot_0123456789"


def test_a_bot_takes_another_token_and_its_answer_tells_where_that_stands(house: House) -> None:
    put = house.call("PUT", f"{BOT}/token", {"token": f" {ANOTHER} "})

    assert 200 == put.status_code
    assert ("active", "registered") == (put.json()["status"], put.json()["ownership"])
    assert str(put.json()["position"]) == put.headers["Botloft-Position"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"token": "no token"}, 422, "token_format"),
        ({}, 400, "invalid_request"),
        ({"token": ANOTHER, "force": True}, 400, "invalid_request"),
    ],
)
def test_what_is_no_token_is_refused(house: House, body: object, status: int, code: str) -> None:
    answer = house.call("PUT", f"{BOT}/token", body)

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert [] == house.fleet.asked


def test_a_live_check_says_what_was_found_and_what_to_do(house: House) -> None:
    house.fleet.category = Verdict.REVOKED
    told = house.call("POST", f"{BOT}/verify", {}).json()

    assert ("REVOKED", "suspended", None) == (told["category"], told["status"], told["message"])
    assert "PUT it to /api/bots/{bot_id}/token" in told["advice"]


def test_a_test_message_goes_the_way_of_every_command(house: House) -> None:
    told = house.call("POST", f"{BOT}/verify", {"chat_id": 42, "text": "hello"}).json()
    (command,) = house.fleet.commands

    assert ("VALID", "delivered") == (told["category"], told["message"]["outcome"])
    assert ("sendMessage", {"chat_id": 42, "text": "hello"}, "42") == (command.method, command.parameters, command.chat)


@pytest.mark.parametrize("category", [verdict for verdict in Verdict if verdict is not Verdict.VALID])
def test_no_test_message_goes_out_with_a_token_that_is_not_good(house: House, category: Verdict) -> None:
    house.fleet.category = category
    told = house.call("POST", f"{BOT}/verify", {"chat_id": 42, "text": "hello"}).json()

    assert (category, None) == (told["category"], told["message"])
    assert [] == house.fleet.commands


@pytest.mark.parametrize(
    "body",
    [{"chat_id": 42}, {"text": "hello"}, {"chat_id": True, "text": "x"}, {"chat_id": 42, "text": 7}, {"chat": 1}],
)
def test_half_a_test_message_is_refused_and_nothing_is_asked(house: House, body: object) -> None:
    answer = house.call("POST", f"{BOT}/verify", body)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert [] == house.fleet.asked


@pytest.mark.parametrize(
    ("category", "status", "code"),
    [
        (Verdict.VALID, 200, None),
        (Verdict.REVOKED, 409, "token_unauthorized"),
        (Verdict.TIMEOUT, 503, "token_unreachable"),
        (Verdict.UNKNOWN_ERROR, 503, "token_unreachable"),
    ],
)
def test_a_name_is_read_again_or_a_problem_says_why_not(
    house: House, category: Verdict, status: int, code: str | None
) -> None:
    house.fleet.category = category
    answer = house.call("POST", f"{BOT}/refresh")

    assert (status, code) == (answer.status_code, answer.json().get("code"))
    assert code is not None or "examples_bot" == answer.json()["username"]


@pytest.mark.parametrize(("method", "place"), [("PUT", "token"), ("POST", "verify"), ("POST", "refresh")])
def test_another_tenants_bot_and_none_at_all_are_the_same(house: House, method: str, place: str) -> None:
    body = {"token": ANOTHER} if place == "token" else {}
    theirs = house.call(method, f"{BOT}/{place}", body, key=house.other_key)
    nobodys = house.call(method, f"/api/bots/{OTHER_BOT_ID}/{place}", body, key=house.other_key)

    assert (404, "not_found") == (theirs.status_code, theirs.json()["code"])
    assert theirs.json() == nobodys.json()


def test_no_webhook_gets_a_new_address_with_a_revoked_token(house: House) -> None:
    house.fleet.category = Verdict.REVOKED
    answer = house.call("POST", f"{BOT}/webhook/rotate")

    assert (409, "token_unauthorized") == (answer.status_code, answer.json()["code"])


# The operator's


@pytest.mark.parametrize(
    ("token", "category", "bot_id"),
    [
        (TOKEN_TEXT, "VALID", BOT_ID),
        (ANOTHER, "UNAUTHORIZED", None),
        ("no token", "INVALID_FORMAT", None),
    ],
)
def test_an_operator_learns_what_a_token_is(house: House, token: str, category: str, bot_id: int | None) -> None:
    told = house.call("POST", "/admin/system/validate-token", {"token": token}, key=house.admin_key).json()

    assert (category, bot_id) == (told["category"], told["bot_id"])
    assert told["advice"]


def test_a_bots_token_status_says_since_when_and_why(house: House) -> None:
    told = house.call("GET", f"/admin/system/bot/{BOT_ID}/token-status", key=house.admin_key).json()

    assert {
        "bot_id": BOT_ID,
        "category": "VALID",
        "last_validated": "2026-07-01T12:00:00Z",
        "why": "registration",
        "age_s": 0.0,
        "advice": "Nothing is to be done.",
    } == told


def test_of_a_bot_that_nobody_has_there_is_no_status(house: House) -> None:
    answer = house.call("GET", f"/admin/system/bot/{OTHER_BOT_ID}/token-status", key=house.admin_key)

    assert (404, "not_found") == (answer.status_code, answer.json()["code"])


def test_all_tokens_are_looked_at_on_request_and_the_same_address_says_how_far(house: House) -> None:
    path = "/admin/system/validate-all-tokens"
    before = house.call("GET", path, key=house.admin_key).json()
    begun = house.call("POST", path, key=house.admin_key)
    during = house.call("GET", path, key=house.admin_key)

    assert ("none", None) == (before["state"], before["job"])
    assert "since this process started at 2026-07-01T12:00:00Z" in before["detail"]
    assert (202, 200) == (begun.status_code, during.status_code)
    assert begun.json() == during.json()
    assert ("running", 4, 2) == (during.json()["state"], during.json()["job"]["bots"], during.json()["job"]["done"])
