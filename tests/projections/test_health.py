from __future__ import annotations

import msgspec
import pytest

from domain import events as e
from domain.failure import Category
from domain.rules.health import Health
from projections.health import BotHealth
from tests.examples import (
    BOT_ID,
    OTHER_TENANT,
    TENANT,
    a_delivered,
    a_not_sent,
    a_rejected,
    a_started,
    an_uncertain,
)
from tests.projections.health_told import HealthTold, outcomes
from tests.projections.sample_events import (
    attempt_failed,
    breaker_events,
    registered,
    removed,
    resumed,
    suspended,
)


def test_a_bot_begins_healthy_with_zeroes(told_health: HealthTold) -> None:
    assert BotHealth(
        bot_id=BOT_ID,
        tenant_id=TENANT,
        status=Health.HEALTHY,
        total_requests=0,
        successful_requests=0,
        failed_requests=0,
        rejected_requests=0,
        not_sent_requests=0,
        uncertain_requests=0,
        retries=0,
        error_rate=0.0,
        lifetime_error_rate=0.0,
        avg_response_time_ms=None,
        p50_ms=None,
        p99_ms=None,
        last_success=None,
        last_failure=None,
        consecutive_failures=0,
        is_rate_limited=False,
        breaker="closed",
    ) == told_health(registered())


SUCCESSFUL = {"successful_requests": 1, "total_requests": 1}
FAILED = {"failed_requests": 1, "total_requests": 1, "consecutive_failures": 1, "error_rate": 1.0}
REJECTED = {"rejected_requests": 1, "total_requests": 1}
NOT_SENT = {"not_sent_requests": 1}
UNCERTAIN = {**FAILED, "uncertain_requests": 1}
COUNTED = [
    "total_requests", "successful_requests", "failed_requests", "rejected_requests", "not_sent_requests",
    "uncertain_requests", "retries", "consecutive_failures", "error_rate",
]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "counted"),
    [
        (a_started(), {}),
        (a_delivered(), SUCCESSFUL),
        (a_rejected(category=Category.PERMANENT), REJECTED),
        (a_rejected(category=Category.MIGRATED), REJECTED),
        (a_rejected(category=Category.UNAUTHORIZED), FAILED),
        (a_not_sent(category=None), NOT_SENT),
        (a_not_sent(category=Category.RATE_LIMIT), NOT_SENT),
        (a_not_sent(category=Category.UNREACHABLE), FAILED),
        (a_not_sent(category=Category.SERVER_ERROR), FAILED),
        (an_uncertain(category=Category.AMBIGUOUS), UNCERTAIN),
        (an_uncertain(category=Category.SERVER_ERROR), UNCERTAIN),
        (an_uncertain(category=None), UNCERTAIN),
        (attempt_failed(again_at=2.0), {"retries": 1}),
        (attempt_failed(again_at=None), {}),
    ],
    ids=lambda it: f"{it.TOPIC} {getattr(it, 'category', '')}" if isinstance(it, e.Event) else "",
)
def test_what_counts_as_what(told_health: HealthTold, event: e.Event, counted: dict[str, float]) -> None:
    health = msgspec.to_builtins(told_health(registered(), event))

    assert {**dict.fromkeys(COUNTED, 0), **counted} == {name: health[name] for name in COUNTED}


@pytest.mark.parametrize(
    ("successful", "failed", "status"),
    [
        (5, 1, Health.HEALTHY),
        (4, 1, Health.DEGRADED),
        (11, 10, Health.DEGRADED),
        (2, 2, Health.UNHEALTHY),
        (1, 3, Health.UNHEALTHY),
    ],
)
def test_the_error_rate_decides_on_the_status(
    told_health: HealthTold, successful: int, failed: int, status: Health
) -> None:
    health = told_health(registered(), *outcomes(successful, failed))

    assert status is health.status
    assert failed / (successful + failed) == health.error_rate == health.lifetime_error_rate


def test_five_failures_in_a_row_are_unhealthy_and_one_success_ends_the_row(told_health: HealthTold) -> None:
    many = [a_delivered(str(n)) for n in range(100)]
    four = told_health(registered(), *many, *outcomes(0, 4))
    five = told_health(*outcomes(0, 1))
    rejected = told_health(a_rejected())
    ended = told_health(a_delivered())

    assert (4, Health.HEALTHY) == (four.consecutive_failures, four.status)
    assert (5, Health.UNHEALTHY) == (five.consecutive_failures, five.status)
    assert 5 == rejected.consecutive_failures
    assert (0, Health.HEALTHY) == (ended.consecutive_failures, ended.status)


def test_a_suspended_bot_is_suspended_whatever_its_counts(told_health: HealthTold) -> None:
    assert Health.SUSPENDED is told_health(registered(), *outcomes(0, 9), suspended()).status
    assert Health.UNHEALTHY is told_health(resumed()).status


def test_the_breaker_is_told_as_it_is(told_health: HealthTold) -> None:
    opened, half_opened, closed = breaker_events()

    assert "open" == told_health(registered(), opened).breaker
    assert "half_open" == told_health(half_opened).breaker
    assert "closed" == told_health(closed).breaker


def test_a_removed_bot_has_no_health_and_a_new_registration_starts_from_zero(told_health: HealthTold) -> None:
    told_health(registered(), *outcomes(1, 5))

    assert told_health(removed()) is None
    assert told_health(a_delivered("too late")) is None
    assert told_health(registered()) == told_health(removed(), registered())
    assert 0 == told_health().total_requests


def test_what_comes_in_of_a_former_owner_is_not_counted(told_health: HealthTold) -> None:
    health = told_health(registered(), registered(tenant_id=OTHER_TENANT), a_delivered())

    assert (OTHER_TENANT, 0) == (health.tenant_id, health.total_requests)
