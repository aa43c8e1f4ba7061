"""Five-minute buckets by event time, and how they are told for a chart."""

from __future__ import annotations

from datetime import datetime

import pytest

from domain import events as e
from domain.failure import Category
from domain.rules.health import Health
from projections.history import History, history_of
from projections.runner import Runner
from projections.span import Span
from projections.views import Views
from tests.examples import (
    BOT_ID,
    OTHER_BOT_ID,
    OTHER_TENANT,
    TENANT,
    a_delivered,
    a_not_sent,
    a_rejected,
    after,
    an_uncertain,
)
from tests.projections.sample_events import Log, attempt_failed, registered, removed, suspended

HOUR = Span(after(0), after(3600), 300)


class Told:
    """The history that is told after these events."""

    def __init__(self, log: Log, runner: Runner, views: Views) -> None:
        self._log, self._runner, self._views = log, runner, views

    def __call__(
        self,
        *events: e.Event,
        span: Span = HOUR,
        now: datetime | None = None,
        bot_id: int = BOT_ID,
        tenant_id: str | None = None,
    ) -> History | None:
        if events:
            self._log.append(*events)
        self._runner.catch_up()
        return history_of(self._views, bot_id, span, now or span.end, tenant_id=tenant_id)


@pytest.fixture
def told(log: Log, runner: Runner, views: Views) -> Told:
    return Told(log, runner, views)


def test_every_command_is_in_one_count_of_the_bucket_in_which_it_ended(told: Told) -> None:
    history = told(
        registered(),
        a_delivered("1", occurred_at=after(299.999)),
        a_delivered("2", occurred_at=after(300)),
        a_rejected("3", occurred_at=after(301)),
        a_rejected("4", occurred_at=after(302), category=Category.UNAUTHORIZED),
        a_not_sent("5", occurred_at=after(303)),
        a_not_sent("6", occurred_at=after(304), category=Category.UNREACHABLE),
        an_uncertain("7", occurred_at=after(305)),
    )
    first, second, third = history.points[:3]

    assert (1, 1) == (first.total, first.successful)
    assert (5, 1, 3, 1, 1, 1, 0.75) == (
        second.total,
        second.successful,
        second.failed,
        second.rejected,
        second.not_sent,
        second.uncertain,
        second.error_rate,
    )
    assert 0 == third.total
    assert (6, 2) == (history.totals.total, history.totals.successful)


def test_retries_and_429s_are_counted_when_the_attempt_failed(told: Told) -> None:
    history = told(
        registered(),
        attempt_failed(at=10),
        attempt_failed(at=310, again_at=315, category=Category.RATE_LIMIT),
        attempt_failed(at=320, again_at=None, category=Category.RATE_LIMIT),
    )

    assert [(1, 0), (1, 2)] == [(point.retries, point.rate_limited) for point in history.points[:2]]
    assert (2, 2) == (history.totals.retries, history.totals.rate_limited)


def test_points_are_regular_also_where_nothing_happened(told: Told) -> None:
    history = told(registered(), span=Span(after(-301), after(301), 300), now=after(301))

    assert [after(-600), after(-300), after(0), after(300)] == [point.at for point in history.points]
    assert (after(-600), after(301), 300) == (history.from_, history.to, history.bucket_s)
    assert {(0, None, None, 0.0)} == {(p.total, p.status, p.p50_ms, p.error_rate) for p in history.points}


def test_response_times_are_those_of_what_telegram_answered(told: Told) -> None:
    slow = [a_delivered(str(n), telegram_ms=100.0, queue_ms=900.0) for n in range(9)]
    history = told(registered(), *slow, a_rejected("r", telegram_ms=200.0), an_uncertain(telegram_ms=9e9))
    (point, *_) = history.points

    assert 110.0 == point.avg_response_time_ms
    assert 1000 <= point.p50_ms <= 1100
    assert point.p50_ms == history.totals.p50_ms
    assert point.p99_ms == history.totals.p99_ms


def test_percentiles_of_a_range_are_those_of_all_its_commands(told: Told) -> None:
    quick = [a_delivered(f"q{n}", telegram_ms=10.0, queue_ms=0.0, occurred_at=after(1)) for n in range(98)]
    slow = [a_delivered(f"s{n}", telegram_ms=1000.0, queue_ms=0.0, occurred_at=after(301)) for n in range(2)]
    history = told(registered(), *quick, *slow)

    assert 10 <= history.totals.p50_ms <= 11
    assert 1000 <= history.totals.p99_ms <= 1100


@pytest.mark.parametrize(
    ("successful", "failed", "status"),
    [
        (1, 0, Health.HEALTHY),
        (9, 1, Health.HEALTHY),
        (4, 1, Health.DEGRADED),
        (1, 1, Health.UNHEALTHY),
        (0, 0, None),
    ],
)
def test_a_bucket_s_status_is_by_its_own_numbers(told: Told, successful: int, failed: int, status: Health) -> None:
    events = [a_delivered(f"d{n}") for n in range(successful)] + [
        an_uncertain(f"u{n}", occurred_at=after(1)) for n in range(failed)
    ]

    assert status is told(registered(), *events).points[0].status


def test_a_bucket_in_which_the_bot_was_suspended_all_along_says_so(told: Told) -> None:
    history = told(
        registered(),
        e.BotSuspended(occurred_at=after(10), bot_id=BOT_ID, tenant_id=TENANT, reason="holiday", by="tenant"),
        e.BotResumed(occurred_at=after(600), bot_id=BOT_ID, tenant_id=TENANT, by="tenant"),
        a_delivered(occurred_at=after(601)),
    )

    assert [None, Health.SUSPENDED, Health.HEALTHY, None] == [point.status for point in history.points[:4]]
    assert [("suspended", "holiday (by tenant)")] == [(one.kind, one.cause) for one in history.incidents]


def test_the_bucket_that_is_not_over_is_covered_by_a_suspension_that_lasts(told: Told) -> None:
    history = told(registered(), suspended(), span=Span(after(0), after(400), 300))

    assert [Health.SUSPENDED] * 2 == [point.status for point in history.points]


def test_larger_buckets_hold_what_the_smaller_ones_held(told: Told) -> None:
    told(registered(), *[a_delivered(str(n), occurred_at=after(n * 300)) for n in range(48)])
    hours = told(span=Span(after(0), after(4 * 3600), 3600))
    days = told(span=Span(after(0), after(4 * 3600), 86_400))

    assert [12] * 4 == [point.successful for point in hours.points]
    assert [48] == [point.successful for point in days.points]
    assert after(-12 * 3600) == days.from_ == days.points[0].at


def test_a_new_owner_sees_nothing_of_what_the_former_one_did(told: Told) -> None:
    events = (
        registered(),
        an_uncertain("1", occurred_at=after(1)),
        removed(),
        registered(tenant_id=OTHER_TENANT, seconds=2),
        a_delivered("2", occurred_at=after(3), tenant_id=OTHER_TENANT),
        a_delivered("3", occurred_at=after(4), tenant_id=OTHER_TENANT),
    )
    told(*events)

    assert (1, 1) == (told(tenant_id=TENANT).totals.total, len(told(tenant_id=TENANT).incidents))
    assert (2, 0) == (told(tenant_id=OTHER_TENANT).totals.total, len(told(tenant_id=OTHER_TENANT).incidents))
    assert (3, 1) == (told().totals.total, len(told().incidents))


def test_history_outlives_the_bot_and_one_that_never_was_has_none(told: Told) -> None:
    history = told(registered(), a_delivered(), removed())

    assert 1 == history.totals.total
    assert told(bot_id=OTHER_BOT_ID) is None
    assert [] == [point for point in told(registered(OTHER_BOT_ID), bot_id=OTHER_BOT_ID).points if point.total]
