"""What retrying brings, over HTTP, and counting anew."""

from __future__ import annotations

import pytest

from actors.messages import ResetRetryStatistics
from tests.examples import BOT_ID, COMMAND_ID, NOON, TENANT, a_delivered, after
from tests.gateway.fakes import House
from tests.projections.sample_events import attempt_failed

RETRIES = "/admin/system/retry-statistics"
RESET = f"{RETRIES}/reset"


def read(house: House, **asked: object) -> dict[str, object]:
    answer = house.call("GET", RETRIES, params=asked, key=house.admin_key)
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


def retried(house: House) -> int:
    house.log.add(attempt_failed(at=-2))
    return house.log.add(a_delivered(COMMAND_ID, attempts=2, occurred_at=after(-1)))


def test_the_fleet_s_numbers_and_a_bot_s(house: House) -> None:
    at = retried(house)

    for asked in ({}, {"bot_id": BOT_ID}):
        told = read(house, at_least=at, **asked)

        assert (asked.get("bot_id"), 1, 1.0) == (
            told["bot_id"],
            told["totals"]["recovered"],
            told["totals"]["recovery_rate"],
        )
        assert [("unreachable", "exponential")] == [(one["category"], one["strategy"]) for one in told["by_kind"]]


def test_a_bot_that_nobody_ever_had_has_no_numbers(house: House) -> None:
    assert 404 == house.call("GET", RETRIES, params={"bot_id": 5}, key=house.admin_key).status_code


def test_a_reset_is_seen_at_once_and_says_why(house: House) -> None:
    retried(house)
    answer = house.call("POST", RESET, {"reason": "a new policy"}, key=house.admin_key).json()
    told = read(house)

    assert (None, "a new policy") == (answer["bot_id"], answer["reason"])
    assert ("2026-07-01T12:00:00Z", "a new policy", 0) == (
        told["since"],
        told["reset_reason"],
        told["totals"]["failed_attempts"],
    )
    assert ResetRetryStatistics(None, "a new policy", "admin") == house.fleet.asked[-1]


@pytest.mark.parametrize(("path", "body"), [(f"{RESET}?bot_id={BOT_ID}", {}), (RESET, {"bot_id": BOT_ID})])
def test_one_bot_s_numbers_can_be_reset(house: House, path: str, body: dict[str, object]) -> None:
    at = retried(house)
    house.call("POST", path, {"reason": "looked into", **body}, key=house.admin_key)

    assert 0 == read(house, bot_id=BOT_ID)["totals"]["recovered"]
    assert 1 == read(house, at_least=at)["totals"]["recovered"]


def test_a_reset_is_in_the_log_and_leaves_what_was_before(house: House) -> None:
    retried(house)
    house.call("POST", RESET, {"reason": "looked into", "bot_id": BOT_ID}, key=house.admin_key)
    log = [recorded.event for recorded in house.log.everything()]

    assert (TENANT, BOT_ID, "looked into", "admin", NOON) == (
        log[-1].tenant_id,
        log[-1].bot_id,
        log[-1].reason,
        log[-1].by,
        log[-1].occurred_at,
    )
    assert "attempt-failed" in [event.TOPIC for event in log]


def test_a_reset_needs_a_reason_and_a_bot_that_is_there(house: House) -> None:
    without = house.call("POST", RESET, {}, key=house.admin_key)
    blank = house.call("POST", RESET, {"reason": " "}, key=house.admin_key)
    nobody_s = house.call("POST", RESET, {"reason": "why not", "bot_id": 5}, key=house.admin_key)

    assert [(400, 'The body needs the field "reason".'), (400, '"reason" must not be empty.')] == [
        (answer.status_code, answer.json()["detail"]) for answer in (without, blank)
    ]
    assert 404 == nobody_s.status_code
