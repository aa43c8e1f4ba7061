from __future__ import annotations

from domain.rules.health import Health
from projections.health import all_health, summary
from projections.runner import Runner
from projections.views import Views
from tests.examples import (
    OTHER_BOT_ID,
    OTHER_TENANT,
    a_hold,
    a_not_sent,
    a_rejected,
    an_uncertain,
)
from tests.projections.health_told import A_MINUTE_ON, HealthTold, outcomes
from tests.projections.sample_events import (
    attempt_failed,
    breaker_events,
    registered,
    suspended,
)


def test_pages_of_all_bots_go_on_where_the_last_one_ended(told_health: HealthTold, views: Views) -> None:
    told_health(*[registered(bot_id) for bot_id in (3, 1, 2)], *[an_uncertain(str(n), bot_id=2) for n in range(2)])
    now = A_MINUTE_ON

    assert [1, 2] == [bot.bot_id for bot in all_health(views, now, limit=2)]
    assert [3] == [bot.bot_id for bot in all_health(views, now, limit=2, after_bot_id=2)]
    assert [2] == [bot.bot_id for bot in all_health(views, now, Health.UNHEALTHY)]
    assert [1, 3] == [bot.bot_id for bot in all_health(views, now, Health.HEALTHY)]
    assert [] == all_health(views, now, Health.SUSPENDED)


def test_the_summary_adds_all_bots_up(told_health: HealthTold, views: Views) -> None:
    told_health(
        registered(),
        registered(OTHER_BOT_ID, OTHER_TENANT),
        *outcomes(3, 1),
        a_rejected(),
        a_not_sent(),
        attempt_failed(),
        a_hold(retry_after_s=90),
        suspended(OTHER_BOT_ID, OTHER_TENANT),
        breaker_events()[0],
    )
    told_of_all = summary(views, A_MINUTE_ON)

    assert 2 == told_of_all.bots
    assert {"HEALTHY": 0, "DEGRADED": 1, "UNHEALTHY": 0, "SUSPENDED": 1} == told_of_all.bots_by_status
    assert (5, 3, 1, 1) == (
        told_of_all.total_requests,
        told_of_all.successful_requests,
        told_of_all.failed_requests,
        told_of_all.rejected_requests,
    )
    assert (1, 1, 1) == (told_of_all.not_sent_requests, told_of_all.uncertain_requests, told_of_all.retries)
    assert (0.25, 0.25) == (told_of_all.error_rate, told_of_all.lifetime_error_rate)
    assert (1, 1) == (told_of_all.rate_limited, told_of_all.breakers_not_closed)
    assert told_of_all.p99_ms >= told_of_all.p50_ms > 0


def test_the_summary_of_nobody_is_all_zero(runner: Runner, views: Views) -> None:
    assert runner.position() == summary(views, A_MINUTE_ON).bots == 0
