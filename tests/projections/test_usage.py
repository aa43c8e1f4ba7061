"""What is counted where, and whose it is."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import events as e
from domain.failure import Category
from projections import usage
from projections.spread import class_of, percentile_ms
from projections.usage.descriptions import normalised
from projections.usage.errors_kept import KINDS_MAX, OTHERS
from tests.examples import (
    BOT_ID,
    NOON,
    OTHER_BOT_ID,
    OTHER_TENANT,
    TENANT,
    a_delivered,
    a_not_sent,
    a_rejected,
    a_started,
    after,
    an_uncertain,
)
from tests.projections.health_told import HealthTold
from tests.projections.sample_events import an_update, attempt_failed, registered, removed
from tests.projections.usage_told import OF_THE_BOT, OF_THE_FLEET, WEEK, UsageTold

COUNTED = (
    "total_requests",
    "successful_requests",
    "failed_requests",
    "rejected_requests",
    "not_sent_requests",
    "uncertain_requests",
    "retries",
    "rate_limited",
)
EVERYTHING = [
    a_delivered(),
    a_rejected(),
    a_rejected(category=Category.UNAUTHORIZED),
    a_rejected(category=Category.MIGRATED),
    a_not_sent(),
    a_not_sent(category=Category.RATE_LIMIT),
    a_not_sent(category=Category.UNREACHABLE),
    an_uncertain(),
    an_uncertain(category=None),
    attempt_failed(),
    attempt_failed(again_at=None),
    attempt_failed(category=Category.RATE_LIMIT),
]
LIMITED = {"category": Category.RATE_LIMIT, "telegram_code": 429}


def counts(figures: object) -> dict[str, int]:
    told = msgspec.to_builtins(figures)
    return {name: told[name] for name in COUNTED if name in told}


def test_usage_counts_as_health_counts(told_usage: UsageTold, told_health: HealthTold) -> None:
    health = counts(told_health(registered(), *EVERYTHING))
    today = counts(told_usage.summary().today)

    assert today.pop("rate_limited") == 1
    assert health == today


def test_what_was_never_a_request_is_none_here(told_usage: UsageTold) -> None:
    today = told_usage.after(
        a_started(), a_not_sent(), e.ActorStarted(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT)
    )

    assert (0, 1) == (today.summary().today.total_requests, today.summary().today.not_sent_requests)


def test_an_answer_429_is_counted_though_the_command_is_delivered_at_last(told_usage: UsageTold) -> None:
    told_usage.after(attempt_failed(1, **LIMITED), attempt_failed(2, **LIMITED), a_delivered())
    today = told_usage.summary().today

    assert (1, 1, 2, 2) == (today.total_requests, today.successful_requests, today.retries, today.rate_limited)
    assert 2 == told_usage.chats()[0].rate_limited


def test_response_times_are_those_of_commands_that_telegram_answered(told_usage: UsageTold) -> None:
    told_usage.after(
        a_delivered(queue_ms=10.0, telegram_ms=90.0),
        a_rejected(queue_ms=0.0, telegram_ms=300.0),
        an_uncertain(queue_ms=5.0, telegram_ms=60_000.0),
        a_not_sent(queue_ms=30_000.0),
    )
    today = told_usage.summary().today

    assert (200.0, 195.0) == (today.avg_response_ms, today.avg_telegram_ms)
    assert 100 <= today.p50_ms <= 110
    assert 300 <= today.p99_ms <= 330


@given(times=st.lists(st.floats(0, 5e5), min_size=1), share=st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_at_most_a_tenth_too_high(times: list[float], share: float) -> None:
    classes = Counter(class_of(ms) for ms in times)
    exact = sorted(times)[math.ceil(share * len(times)) - 1]
    told = percentile_ms(classes, share)

    assert told is not None
    assert exact <= told <= max(0.1, exact * 1.1 + 0.01)


def test_each_hour_is_told_by_itself_and_late_events_find_theirs(told_usage: UsageTold) -> None:
    told_usage.after(a_delivered("1"), a_delivered("2", occurred_at=after(3600)), a_rejected("3"))
    points = told_usage.trends(span=usage.last_days(1, NOON), by=usage.By.HOUR, now=after(3700)).points

    assert [(12, 2), (13, 1)] == [(point.at.hour, point.total_requests) for point in points if point.total_requests]
    assert 14 == len(points)


def test_a_bot_a_tenant_and_the_fleet_add_up(told_usage: UsageTold) -> None:
    told_usage.after(
        *EVERYTHING,
        *[msgspec.structs.replace(event, bot_id=OTHER_BOT_ID) for event in EVERYTHING],
        a_delivered(bot_id=5, tenant_id=OTHER_TENANT),
    )
    bot, acme, all_ = (
        counts(told_usage.summary(whose).today) for whose in (OF_THE_BOT, usage.Whose(TENANT), OF_THE_FLEET)
    )

    assert {name: 2 * count for name, count in bot.items()} == acme
    assert acme["total_requests"] + 1 == all_["total_requests"]
    assert [5] == [chat.bot_id for chat in told_usage.chats(whose=usage.Whose(OTHER_TENANT))]


def test_a_bot_with_a_new_owner_begins_anew_and_the_former_one_keeps_what_was(told_usage: UsageTold) -> None:
    told_usage.after(
        registered(),
        a_delivered("1"),
        a_rejected("2"),
        removed(),
        registered(tenant_id=OTHER_TENANT),
        a_delivered("3", tenant_id=OTHER_TENANT),
    )
    before, since, both = usage.Whose(TENANT, BOT_ID), usage.Whose(OTHER_TENANT, BOT_ID), usage.Whose(None, BOT_ID)

    assert [2, 1, 3] == [told_usage.summary(whose).today.total_requests for whose in (before, since, both)]
    assert [2, 1, 3] == [sum(c.total_requests for c in told_usage.chats(whose=w)) for w in (before, since, both)]
    assert [1, 0, 1] == [told_usage.errors(whose).count for whose in (before, since, both)]
    assert [True, True, False] == [
        told_usage.ask(usage.is_used, whose) for whose in (before, since, usage.Whose(TENANT, OTHER_BOT_ID))
    ]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("Too Many Requests: retry after 35", "Too Many Requests: retry after #"),
        ("Bad Request: chat not found", "Bad Request: chat not found"),
        ('can\'t parse entities: Unsupported start tag "b4d" at byte offset 12', None),
        ("unexpected 'secret words' here", "unexpected “…” here"),
        ('cut in the middle of a "quotation that', "cut in the middle of a “…”"),
        ("  no answer\n within 60 s ", "no answer within # s"),
        ("user @somebody is gone, see https://t.me/x?y=1 ", "user @… is gone, see <url>"),
        ("x" * 500, "x" * 120),
    ],
)
def test_errors_that_mean_the_same_are_written_alike(said: str, written: str | None) -> None:
    assert (written or "can't parse entities: Unsupported start tag “…” at byte offset #") == normalised(said)


def test_a_bot_s_day_has_so_many_kinds_of_errors_and_all_others_are_counted_together(told_usage: UsageTold) -> None:
    words = [f"Bad Request: {chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(KINDS_MAX + 20)]
    told_usage.after(*[a_rejected(str(n), description=text) for n, text in enumerate(words)])
    told_usage.after(a_rejected("known", description=words[0]), a_rejected("new", description="another one"))
    found = {error.description: error.count for error in told_usage.errors().errors.rows}

    assert KINDS_MAX + 1 == len(found)
    assert (2, 21) == (found[words[0]], found[OTHERS])
    assert KINDS_MAX + 22 == told_usage.errors().count


def test_another_day_has_its_own(told_usage: UsageTold) -> None:
    told_usage.after(
        a_rejected("1"), a_rejected("2", occurred_at=NOON - timedelta(days=2)), an_uncertain("3"), a_not_sent("4")
    )
    error = told_usage.errors(span=WEEK).errors.rows[0]

    assert (2, 0.5, "rejected") == (error.count, error.share, error.counted_as)
    assert [29, 1] == [error.first_day.day, error.last_day.day]
    assert 3 == told_usage.errors(span=usage.last_days(1, NOON)).count


def test_what_a_bot_hears_is_counted_and_by_the_commands_of_users(told_usage: UsageTold) -> None:
    commands = ["start", "help", "start", None, "start"]
    told_usage.after(registered(), *(an_update(update_id=n, command=one) for n, one in enumerate(commands)))
    heard = told_usage.summary().heard

    assert 5 == heard.updates
    assert [("start", 3), ("help", 1)] == [(one.command, one.count) for one in heard.top_bot_commands]
    assert 0 == told_usage.summary(usage.Whose(OTHER_TENANT, BOT_ID)).heard.updates
