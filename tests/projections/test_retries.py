"""What retrying brings, by category and strategy, for a bot and for the fleet, since a reset."""

from __future__ import annotations

import pytest

from domain import events as e
from domain.failure import Category, Strategy
from projections.retries import RetryStatistics, retry_statistics
from projections.runner import Runner
from projections.views import Views
from tests.examples import (
    BOT_ID,
    NOON,
    OTHER_BOT_ID,
    a_delivered,
    a_not_sent,
    after,
    an_uncertain,
)
from tests.projections.sample_events import Log, attempt_failed, registered, reset

DAY_S = 86_400


class Told:
    """The statistics that are told after these events."""

    def __init__(self, log: Log, runner: Runner, views: Views) -> None:
        self._log, self._runner, self._views = log, runner, views

    def __call__(self, *events: e.Event, bot_id: int | None = None) -> RetryStatistics | None:
        if events:
            self._log.append(*events)
        self._runner.catch_up()
        return retry_statistics(self._views, bot_id, NOON)


@pytest.fixture
def told(log: Log, runner: Runner, views: Views) -> Told:
    return Told(log, runner, views)


def counts(statistics: RetryStatistics | None) -> tuple[int, int, int, int, int]:
    assert statistics is not None
    totals = statistics.totals
    return totals.failed_attempts, totals.retried, totals.recovered, totals.given_up, statistics.open


def test_a_command_that_was_delivered_after_a_retry_has_recovered(told: Told) -> None:
    assert (1, 1, 0, 0, 1) == counts(told(registered(), attempt_failed()))
    assert (1, 1, 1, 0, 0) == counts(told(a_delivered(attempts=2)))
    assert (1, 1, 1, 0, 0) == counts(told(a_delivered("another")))


def test_what_was_never_retried_is_neither_recovered_nor_given_up(told: Told) -> None:
    refused = attempt_failed(category=Category.PERMANENT, again_at=None)

    assert (1, 0, 0, 0, 0) == counts(told(registered(), refused, a_not_sent(attempts=1)))


@pytest.mark.parametrize(
    "end",
    [
        [attempt_failed(2, again_at=None), an_uncertain(attempts=2)],
        [a_not_sent(attempts=1)],
    ],
    ids=["failed again", "its deadline came while it waited"],
)
def test_a_retried_command_that_was_not_delivered_is_given_up(told: Told, end: list[e.Event]) -> None:
    statistics = told(registered(), attempt_failed(), *end)

    assert (1, 0, 1) == counts(statistics)[1:2] + counts(statistics)[2:4]
    assert 0.0 == statistics.totals.recovery_rate


def test_a_recovery_after_a_crash_counts_though_the_attempts_began_anew(told: Told) -> None:
    assert (1, 1, 1, 0, 0) == counts(told(registered(), attempt_failed(), a_delivered(attempts=1)))


def test_a_command_counts_under_the_category_of_its_last_failure(told: Told) -> None:
    statistics = told(
        registered(),
        attempt_failed(1, category=Category.UNREACHABLE),
        attempt_failed(2, category=Category.RATE_LIMIT),
        a_delivered(attempts=3),
    )

    assert [("rate_limit", "at_once", 1, 1), ("unreachable", "exponential", 1, 0)] == [
        (kind.category, kind.strategy, kind.retried, kind.recovered) for kind in statistics.by_kind
    ]


def test_a_bot_s_own_strategy_is_told_and_an_old_event_has_its_category_s(told: Told) -> None:
    statistics = told(
        registered(), attempt_failed(), attempt_failed(strategy=Strategy.FIBONACCI), attempt_failed(command_id="c3")
    )

    assert [("exponential", 2), ("fibonacci", 1)] == [(one.strategy, one.retried) for one in statistics.by_kind]


def test_delays_are_from_the_failure_to_the_planned_attempt(told: Told) -> None:
    statistics = told(
        registered(),
        *[attempt_failed(command_id=f"c{n}", at=10, again_at=10.1) for n in range(9)],
        attempt_failed(command_id="slow", at=10, again_at=40),
    )
    totals = statistics.totals

    assert (3090.0, 30_000.0) == (totals.avg_delay_ms, totals.max_delay_ms)
    assert 100 <= totals.p50_delay_ms <= 110
    assert 30_000 <= totals.p99_delay_ms <= 33_000


def test_a_bot_has_its_own_numbers_and_the_fleet_all_of_them(told: Told) -> None:
    told(registered(), registered(OTHER_BOT_ID), attempt_failed(), attempt_failed(command_id="c2", bot_id=OTHER_BOT_ID))

    assert (2, 1, 1) == (
        told().totals.retried,
        told(bot_id=BOT_ID).totals.retried,
        told(bot_id=OTHER_BOT_ID).totals.retried,
    )
    assert told(bot_id=5) is None


def test_days_add_up(told: Told) -> None:
    statistics = told(
        registered(), *[attempt_failed(command_id=f"c{n}", at=n * DAY_S, again_at=None) for n in range(3)]
    )

    assert [3] == [kind.failed_attempts for kind in statistics.by_kind]


def test_an_empty_log_has_counted_since_never(told: Told) -> None:
    statistics = told()

    assert (None, None, []) == (statistics.since, statistics.totals.recovery_rate, statistics.by_kind)


def test_counting_began_with_the_log_s_first_event_and_a_bot_s_with_its_registration(told: Told) -> None:
    told(registered(seconds=5), registered(OTHER_BOT_ID, seconds=7), registered(OTHER_BOT_ID, seconds=9))

    assert (after(5), after(7)) == (told().since, told(bot_id=OTHER_BOT_ID).since)


def test_a_reset_counts_anew_for_everybody(told: Told) -> None:
    told(registered(), attempt_failed(), attempt_failed(command_id="c2"), reset(at=after(30)))
    told(attempt_failed(command_id="c3"), a_delivered(attempts=2))

    for bot_id in (None, BOT_ID):
        statistics = told(bot_id=bot_id)

        # What was retried before the reset and ended after it is in neither count.
        assert (1, 1, 0, 0, 1) == counts(statistics)
        assert (after(30), "a new policy") == (statistics.since, statistics.reset_reason)


def test_a_reset_of_one_bot_leaves_the_fleet_and_other_bots_alone(told: Told) -> None:
    told(registered(), registered(OTHER_BOT_ID), attempt_failed(), attempt_failed(command_id="c2", bot_id=OTHER_BOT_ID))
    told(reset(BOT_ID, at=after(30)), a_delivered(attempts=2), attempt_failed(command_id="c3"))

    assert (3, 3, 1, 0, 2) == counts(told())
    assert (1, 1, 0, 0, 1) == counts(told(bot_id=BOT_ID))
    assert (1, 1, 0, 0, 1) == counts(told(bot_id=OTHER_BOT_ID))
    assert (NOON, after(30), NOON) == (
        told().since,
        told(bot_id=BOT_ID).since,
        told(bot_id=OTHER_BOT_ID).since,
    )


def test_a_command_that_is_retried_again_after_the_reset_counts_for_its_bot(told: Told) -> None:
    told(registered(), attempt_failed(), reset(BOT_ID), attempt_failed(2), a_delivered(attempts=3))

    assert (1, 1, 1, 0, 0) == counts(told(bot_id=BOT_ID))
    assert (2, 2, 1, 0, 0) == counts(told())
