"""POST /api/whatif: who may ask about whom, and what a question must be like."""

from __future__ import annotations

from typing import Any

import pytest

from domain.tenant import Scope
from domain.whatif.question import Busy, TooMuch
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, a_delivered
from tests.gateway.fakes import House, ThreadReplays

QUESTION: dict[str, Any] = {
    "from": "2026-07-01T12:00:00Z",
    "to": "2026-07-01T13:00:00Z",
    "policy": {"bot_rps": 15, "breaker_failures": 3},
}


def ask(house: House, key: str | None = None, **changes: object) -> Any:
    return house.call("POST", "/api/whatif", {**QUESTION, **changes}, key=key)


@pytest.fixture
def busy_house(house: House) -> House:
    """Two commands of the tenant's bot, three of somebody else's."""
    for _ in range(2):
        house.send()
    for number in range(3):
        house.log.add(a_delivered(f"other{number}", bot_id=OTHER_BOT_ID, tenant_id=OTHER_TENANT))
    return house


def test_a_tenant_s_question_is_about_its_own_bots(busy_house: House) -> None:
    answer = ask(busy_house)
    report = answer.json()

    assert (200, 2, 1) == (answer.status_code, report["commands"], report["bots"])
    assert [2, 2, 2] == [report[column]["outcomes"]["delivered"] for column in ("recorded", "today", "other")]
    assert ({"bot_rps": 15.0, "breaker_failures": 3}, 25.0) == (report["change"], report["policy"]["bot_rps"])
    assert {"outcomes_changed", "later", "later_by_s", "sooner", "sooner_by_s"} == report["difference"].keys()
    assert report["cannot_know"]


def test_a_tenant_does_not_learn_how_busy_the_others_were(busy_house: House) -> None:
    assert ask(busy_house).json()["also_replayed"] is None


@pytest.mark.parametrize(
    ("about", "commands"), [({}, 5), ({"tenant_id": OTHER_TENANT}, 3), ({"bot_id": BOT_ID}, 2)], ids=str
)
def test_analysts_and_admins_ask_about_anybody(busy_house: House, about: dict[str, object], commands: int) -> None:
    analyst = busy_house.accounts.found("inc", "Inc", (Scope.ANALYST,)).api_key

    assert {commands} == {ask(busy_house, key, **about).json()["commands"] for key in (analyst, busy_house.admin_key)}


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"from": "2026-07-01T13:00:00Z"}, 400, 'The range is empty: "from" must be before "to".'),
        ({"from": "yesterday"}, 400, '"from" must be a time like 2026-07-01T12:00:00Z.'),
        ({"to": "0001-01-01T00:00:00+14:00"}, 400, '"to" must be a time like 2026-07-01T12:00:00Z.'),
        ({"policy": {}}, 400, "The other policy is today's: change a number of it."),
        ({"policy": {"bot_rsp": 5}}, 400, 'A policy has no field "bot_rsp". Did you mean "bot_rps"?'),
        ({"policy": {"bot_rps": -1}}, 400, '"bot_rps" must be >= 0.0.'),
        ({"policy": {"breaker_failures": 2.5}}, 400, '"breaker_failures" must be an integer or null, not a number.'),
        (
            {"policy": {"retry_strategy": "hope"}},
            400,
            '"retry_strategy" must be one of exponential, linear, fixed, fibonacci, at_once.',
        ),
        ({"policy": [1]}, 400, '"policy" must be an object, not a list.'),
        ({"hours": 3}, 400, 'There is no field "hours" here.'),
        ({"bot_id": 2**70}, 400, None),
        ({"policy": {"fleet_rps": 5}}, 403, '"fleet_rps" is the whole fleet\'s: its operator may ask about it.'),
        ({"tenant_id": OTHER_TENANT}, 403, "A tenant's key asks about its own bots: leave out the tenant_id."),
        ({"bot_id": OTHER_BOT_ID}, 404, None),
        ({"to": "2026-07-01T12:00:00.5Z", "from": "2026-07-01T12:00:00.4Z"}, 404, None),
        ({"from": "2031-01-01", "to": "2032-01-01"}, 404, "The log has no command of that time."),
    ],
    ids=str,
)
def test_a_question_that_has_no_answer_is_told_why(
    busy_house: House, changes: dict[str, object], status: int, detail: str | None
) -> None:
    answer = ask(busy_house, **changes)

    assert status == answer.status_code
    assert detail in (None, answer.json()["detail"])


def test_an_unknown_field_without_a_likeness_is_told_what_there_is(house: House) -> None:
    detail = ask(house, policy={"zzz": 1}).json()["detail"]

    assert detail.startswith('A policy has no field "zzz". It has bot_rps, chat_rps, group_rpm, fleet_rps,')


def test_a_range_that_is_too_large_is_refused(house: House) -> None:
    assert isinstance(house.doors.replays, ThreadReplays)
    house.doors.replays.trouble = TooMuch("Ask for a shorter one.")
    answer = ask(house)

    assert (400, "invalid_request", "Ask for a shorter one.") == (
        answer.status_code,
        *(answer.json()[name] for name in ("code", "detail")),
    )


def test_who_comes_second_is_asked_to_come_again(house: House) -> None:
    assert isinstance(house.doors.replays, ThreadReplays)
    house.doors.replays.trouble = Busy("Another replay is under way.")
    answer = ask(house)

    assert (503, "overloaded", "5") == (answer.status_code, answer.json()["code"], answer.headers["Retry-After"])
