"""`POST /api/bots/{bot_id}/verify-ownership`, and what a tenant sees of a bot that it has not proven to be its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actors.messages import ProveOwnership, Verification
from domain.codes import hashed
from domain.ownership import LIFETIME
from domain.refusal import Refused
from domain.rules.validation import Verdict
from domain.token_life import Found
from tests.examples import BOT_ID, NOON, OTHER_BOT_ID, OTHER_TENANT, TENANT, TOKEN_TEXT, a_delivered, a_token
from tests.gateway.fakes import House

VERIFY = f"/api/bots/{BOT_ID}/verify-ownership"


def claims(house: House) -> None:
    house.call("POST", "/api/bots", {"token": TOKEN_TEXT}, key=house.other_key)


def proves(house: House, tenant_id: str) -> int:
    """Its position."""
    proof = ProveOwnership(BOT_ID, tenant_id, hashed("a-code"), a_token(), Found(Verdict.VALID))
    told: Any = house.fleet.answer(proof)
    assert house.client.loop.run(house.runner.wait_for(told.position, 10.0))
    return int(told.position)


@pytest.mark.parametrize("who", ["owner", "claimant"])
def test_a_code_comes_with_a_link_that_sends_it_to_the_bot(house: House, who: str) -> None:
    claims(house)
    answer = house.call("POST", VERIFY, key=house.key if who == "owner" else house.other_key)

    assert 200 == answer.status_code
    assert {
        "bot_id": BOT_ID,
        "code": "a-code",
        "link": "https://t.me/examples_bot?start=a-code",
        "expires_at": "2026-07-01T12:15:00Z",
        "position": int(answer.headers["Botloft-Position"]),
    } == answer.json()


@pytest.mark.parametrize(("pending", "warns"), [(99, False), (100, True)])
def test_who_would_wait_in_vain_behind_a_hundred_updates_is_told(house: House, pending: int, *, warns: bool) -> None:
    house.ownership.pending = pending
    told = house.call("POST", VERIFY).json()

    assert warns == ("100 updates wait" in told.get("warning", ""))


def test_the_sixth_code_is_429_and_says_when_to_ask_again(house: House) -> None:
    answers = [house.call("POST", VERIFY) for _ in range(6)]

    assert [200] * 5 + [429] == [answer.status_code for answer in answers]
    assert ("rate_limited", "3600") == (answers[-1].json()["code"], answers[-1].headers["Retry-After"])


@pytest.mark.parametrize("code", ["foreign_webhook", "token_unauthorized"])
def test_what_is_in_the_way_of_a_code_is_409_and_says_what_to_do(house: House, code: str) -> None:
    house.ownership.says = Refused(code, "Do this.")
    answer = house.call("POST", VERIFY)

    assert (409, code, "Do this.") == (answer.status_code, answer.json()["code"], answer.json()["detail"])


def test_a_strangers_bot_and_none_at_all_get_the_same_answer(house: House) -> None:
    theirs = house.call("POST", VERIFY, key=house.other_key)
    nobodys = house.call("POST", f"/api/bots/{OTHER_BOT_ID}/verify-ownership", key=house.other_key)

    assert 404 == theirs.status_code
    assert nobodys.json() == theirs.json()


def test_a_bot_shows_how_its_verification_goes_while_a_code_is_open(house: House) -> None:
    without = house.call("GET", f"/api/bots/{BOT_ID}").json()
    house.ownership.verification = Verification("stopped: a webhook is set", NOON + LIFETIME)
    shown = house.call("GET", f"/api/bots/{BOT_ID}").json()

    assert "verification" not in without
    assert {"state": "stopped: a webhook is set", "expires_at": "2026-07-01T12:15:00Z"} == shown["verification"]


def test_a_verified_bot_is_so_everywhere(house: House) -> None:
    house.call("POST", VERIFY)
    proves(house, TENANT)
    shown = house.call("GET", f"/api/bots/{BOT_ID}").json()
    changed = house.call("POST", f"/api/bots/{BOT_ID}/suspend", {}).json()
    (listed,) = house.call("GET", "/api/bots").json()["bots"]
    (of_fleet,) = house.call("GET", "/admin/bots", key=house.admin_key).json()["bots"]
    again = house.call("POST", VERIFY)

    assert ["verified"] * 4 == [one["ownership"] for one in (shown, changed, listed, of_fleet)]
    assert of_fleet["health"] is not None
    assert (409, "bot_verified") == (again.status_code, again.json()["code"])


def test_a_taken_over_bot_is_the_claimants_from_then_on_and_was_the_others_before(house: House) -> None:
    claims(house)
    house.log.add(a_delivered("theirs"))
    before = int(house.call("POST", VERIFY, key=house.other_key).headers["Botloft-Position"])
    position = proves(house, OTHER_TENANT)
    path = f"/api/bots/{BOT_ID}"
    now = [house.call("GET", f"{path}?at_least={position}", key=key) for key in (house.key, house.other_key)]
    then = [house.call("GET", f"{path}?as_of={before}", key=key).json() for key in (house.key, house.other_key)]
    health = house.call("GET", f"{path}/health", key=house.other_key).json()
    gone = house.call("GET", f"{path}/health")
    notices = [one["topic"] for one in _events(house, house.key)]

    assert [404, 200] == [answer.status_code for answer in now]
    assert "verified" == now[1].json()["ownership"]
    assert ["registered", "unverified"] == [one["ownership"] for one in then]
    assert 0 == health["total_requests"]
    assert 404 == gone.status_code
    assert "bot-removed" == notices[-1]


def _events(house: House, key: str) -> list[Any]:
    return [json.loads(line) for line in house.call("GET", f"/api/events?bot_id={BOT_ID}", key=key).text.splitlines()]


BOT = f"/api/bots/{BOT_ID}"
RANGE = "from=2026-07-01&to=2026-07-01"
SEEN_BY_A_CLAIMANT = [
    ("GET", "/api/bots", None, 200),
    ("GET", BOT, None, 200),
    ("PATCH", BOT, {"bot_rps": 1}, "bot_unverified"),
    ("PATCH", BOT, {"updates": "polling"}, "bot_unverified"),
    ("POST", f"{BOT}/suspend", {}, "bot_unverified"),
    ("POST", f"{BOT}/resume", None, "bot_unverified"),
    ("GET", f"{BOT}/health", None, "bot_unverified"),
    ("GET", f"{BOT}/history?hours=24", None, "bot_unverified"),
    ("GET", f"{BOT}/commands", None, 200),
    ("POST", f"{BOT}/commands/getMe", {}, "bot_unverified"),
    ("GET", f"{BOT}/updates", None, "bot_unverified"),
    ("GET", f"{BOT}/callback", None, "bot_unverified"),
    ("GET", f"{BOT}/deliveries", None, "bot_unverified"),
    ("POST", f"{BOT}/deliveries/replay", {"from_update_id": 1, "to_update_id": 2}, "bot_unverified"),
    ("POST", f"{BOT}/webhook/rotate", None, "bot_unverified"),
    ("GET", f"{BOT}/analytics/summary", None, 200),
    ("GET", f"{BOT}/analytics/trends?{RANGE}", None, 200),
    ("GET", f"{BOT}/analytics/errors?{RANGE}", None, 200),
    ("GET", f"{BOT}/analytics/chats?{RANGE}", None, 200),
    ("GET", f"{BOT}/analytics/methods?{RANGE}", None, 200),
    ("GET", "/api/analytics/summary", None, 200),
    ("GET", "/api/commands/theirs", None, "not_found"),
    ("DELETE", "/api/commands/theirs", None, "not_found"),
    ("GET", f"/api/events?bot_id={BOT_ID}", None, 200),
    ("GET", "/api/notices", None, 200),
    ("GET", "/admin/bots", None, "forbidden"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"), SEEN_BY_A_CLAIMANT, ids=[f"{row[0]} {row[1]}" for row in SEEN_BY_A_CLAIMANT]
)
def test_an_unverified_tenant_sees_the_same_whatever_the_owner_does(
    house: House, method: str, path: str, body: object, answer: object
) -> None:
    claims(house)
    before = house.call(method, path, body, key=house.other_key)
    house.call("POST", VERIFY)
    proves(house, TENANT)
    house.call("PATCH", BOT, {"bot_rps": 3})
    house.log.add(a_delivered("theirs"))
    house.send()
    position = house.call("POST", f"{BOT}/suspend", {"reason": "holidays"}).json()["position"]
    assert house.client.loop.run(house.runner.wait_for(position, 10.0))
    after = house.call(method, path, body, key=house.other_key)

    assert answer == (after.status_code if after.status_code < 300 else after.json()["code"])
    assert (before.status_code, before.content) == (after.status_code, after.content)
    assert not {TENANT, "holidays"} & set(after.text.replace('"', " ").split())
