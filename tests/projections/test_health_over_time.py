from __future__ import annotations

import pytest

from tests.examples import (
    a_delivered,
    a_hold,
    a_rejected,
    after,
    an_uncertain,
)
from tests.projections.health_told import HealthTold, outcomes
from tests.projections.sample_events import (
    registered,
)


@pytest.mark.parametrize(("minutes_later", "rate"), [(0, 0.75), (14, 0.75), (15, 0.0), (16, 0.0), (100, 0.0)], ids=str)
def test_failures_leave_the_error_rate_after_a_quarter_of_an_hour(
    told_health: HealthTold, minutes_later: int, rate: float
) -> None:
    health = told_health(registered(), *outcomes(1, 3), now=after(minutes_later * 60))

    assert rate == health.error_rate
    assert 0.75 == health.lifetime_error_rate


def test_new_minutes_take_the_place_of_old_ones(told_health: HealthTold) -> None:
    told_health(registered(), *outcomes(0, 7), *outcomes(1, 1, at=10 * 60))
    later = told_health(*outcomes(3, 0, at=20 * 60), now=after(20 * 60))
    # So late that its minute has passed: it counts for the lifetime only.
    late = told_health(*outcomes(0, 1, at=0), now=after(20 * 60))
    much_later = told_health(*outcomes(1, 0, at=3000 * 60), now=after(3000 * 60))

    assert 1 / 5 == later.error_rate
    assert 1 / 5 == late.error_rate
    assert 9 / 13 == late.lifetime_error_rate
    assert 0.0 == much_later.error_rate


def test_a_hold_clears_by_time_alone_and_a_shorter_one_does_not_shorten_it(told_health: HealthTold) -> None:
    told_health(registered(), a_hold(retry_after_s=30), a_hold(scope="bot", retry_after_s=5))

    assert told_health(now=after(0)).is_rate_limited
    assert told_health(now=after(29.9)).is_rate_limited
    assert not told_health(now=after(30)).is_rate_limited


def test_the_average_moves_by_three_tenths_with_each_answer(told_health: HealthTold) -> None:
    health = told_health(registered(), a_delivered(telegram_ms=100.0), a_rejected(telegram_ms=200.0), an_uncertain())

    assert 130.0 == health.avg_response_time_ms


def test_percentiles_are_good_to_ten_per_cent(told_health: HealthTold) -> None:
    health = told_health(
        registered(), *[a_delivered(str(n), telegram_ms=float(n), queue_ms=1.0) for n in range(1, 1001)]
    )

    assert 501 <= health.p50_ms <= 501 * 1.1
    assert 991 <= health.p99_ms <= 991 * 1.1


def test_a_response_slower_than_every_class_is_in_the_last(told_health: HealthTold) -> None:
    health = told_health(registered(), a_delivered(telegram_ms=1e9))

    assert 600_000 < health.p50_ms == health.p99_ms


def test_the_last_success_and_failure_are_told_to_the_microsecond(told_health: HealthTold) -> None:
    health = told_health(
        registered(), a_delivered(occurred_at=after(1.000001)), an_uncertain("2", occurred_at=after(2.999999))
    )

    assert (after(1.000001), after(2.999999)) == (health.last_success, health.last_failure)


def test_each_minute_takes_the_place_of_the_one_a_window_ago(told_health: HealthTold) -> None:
    told_health(registered(), *[an_uncertain(str(n), occurred_at=after(n * 60)) for n in range(16)])
    health = told_health(*[a_delivered(str(n), occurred_at=after(n * 60)) for n in range(16, 40)], now=after(39 * 60))

    assert 0.0 == health.error_rate
    assert (24, 16) == (health.successful_requests, health.failed_requests)
