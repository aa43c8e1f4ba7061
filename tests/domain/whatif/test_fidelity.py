"""The replay under the recorded policy gives back what happened: the actors themselves are the measure."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from actors.guards import Policy as ActorPolicy
from domain.failure import Answer
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from domain.rules.retry import RetryPolicy
from domain.whatif.figures import Column
from domain.whatif.policy import Policy
from domain.whatif.report import Report
from tests.domain.whatif.days import asked
from tests.doubles import (
    BLOCKED,
    BROKEN,
    DELIVERED,
    LOST,
    REFUSED_CONNECTION,
    RESTARTING,
    TEAPOT,
    Call,
    LoneBot,
    a_message,
    a_registration,
    flood,
)
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, TENANT

ANSWERS = (DELIVERED, DELIVERED, DELIVERED, BLOCKED, BROKEN, LOST, REFUSED_CONNECTION, RESTARTING, TEAPOT, flood(2))
METHODS = ("sendMessage", "sendMessage", "editMessageText", "sendChatAction")
TOO_LATE_S = 100.0
"""Every command has ended by then."""


class Asks(NamedTuple):
    after_s: float
    bot: int
    chat: int
    method: str


class Says(NamedTuple):
    answer: Answer
    took_s: float


OTHERWISE = Says(DELIVERED, 0.1093)


class Day(NamedTuple):
    policy: Policy
    asks: list[Asks]
    says: list[Says]


# No number here is a multiple of another: which of two things at the same moment came first, the log does not say.


def policies() -> st.SearchStrategy[Policy]:
    return st.builds(
        Policy,
        pace=st.builds(
            PacePolicy,
            st.sampled_from((0, 2.03, 5.07, 25.11)),
            st.sampled_from((0, 1.01, 3.13)),
            st.sampled_from((0, 6.17, 20.9)),
        ),
        breaker=st.builds(
            BreakerPolicy,
            failures=st.sampled_from((1, 2, 5)),
            cooldown_s=st.sampled_from((1.513, 5.023, 60.19)),
            successes=st.sampled_from((1, 2)),
            probe_timeout_s=st.sampled_from((0.507, 15.07)),
        ),
        retry=st.builds(
            RetryPolicy, retries=st.sampled_from((None, 0, 1, 5)), base_s=st.sampled_from((0.1039, 1.0193))
        ),
        max_in_flight=st.sampled_from((1, 3, 30)),
        fleet_rps=st.sampled_from((0.0, 3.17, 20.87)),
    )


def days() -> st.SearchStrategy[Day]:
    asks = st.builds(
        Asks,
        st.sampled_from((0.0, 0.0, 0.0137, 0.2113, 1.7071, 6.0441)),
        st.integers(0, 1),
        st.sampled_from((42, 42, 43, -100)),
        st.sampled_from(METHODS),
    )
    says = st.builds(Says, st.sampled_from(ANSWERS), st.sampled_from((0.0531, 0.1179, 0.7243, 3.0517)))
    return st.builds(Day, policies(), st.lists(asks, min_size=1, max_size=40), st.lists(says, max_size=40))


def lived(day: Day) -> Report:
    """Two bots of two tenants under this policy, and then the same day once more."""
    today = day.policy
    policy = ActorPolicy(today.pace, today.breaker, today.retry, today.max_in_flight)
    one = LoneBot(policy=policy, fleet_rps=today.fleet_rps)
    other = LoneBot(policy=policy, bot_id=OTHER_BOT_ID, tenant_id=OTHER_TENANT, sharing=one)
    for bot in (one, other):
        # Its registration is in no log yet; the replay is to find it there.
        bot.journal.knows(f"bot/{bot.bot.bot_id}", 0)
    for bot_id, tenant in ((BOT_ID, TENANT), (OTHER_BOT_ID, OTHER_TENANT)):
        one.journal.write(f"bot/{bot_id}", 0, (a_registration(bot_id, tenant),))
    left = iter(day.says)

    def answers(call: Call) -> None:
        said = next(left, OTHERWISE)
        one.timers.at(one.clock.steady() + min(said.took_s, call.timeout_s), lambda: call.gets(said.answer))

    one.telegram.otherwise = answers
    one.rest()
    for number, asks in enumerate(day.asks):
        one.advance(asks.after_s)
        bot = (one, other)[asks.bot]
        bot.ask(command_id=f"c{number:04}", method=asks.method, **a_message("hello", asks.chat))
        one.rest()
    one.advance(TOO_LATE_S)
    return asked(one.journal.log, today, fleet_rps=99_999)


@settings(max_examples=150, deadline=None)
@given(days())
def test_under_the_recorded_policy_the_replay_is_what_happened(day: Day) -> None:
    report = lived(day)

    assert {} == report.model_error.outcomes_changed
    assert (0, 0) == (report.model_error.later, report.model_error.sooner)
    assert counts(report.recorded) == counts(report.today)
    assert times(report.recorded) == pytest.approx(times(report.today), abs=2.0)


def counts(column: Column) -> tuple[object, ...]:
    return (
        column.outcomes,
        column.not_sent_because,
        column.attempts,
        column.retries,
        column.floods,
        column.breaker_openings,
    )


def times(column: Column) -> tuple[float, ...]:
    """Milliseconds."""
    found = (*astuple(column.waited_ms), *astuple(column.delivered_after_ms), column.breaker_open_s * 1000 / 100)
    return tuple(value or 0.0 for value in found)
