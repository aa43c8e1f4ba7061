"""Usage at a glance: today, this week beside last, this month; when, by which methods, in which chats."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from projections.usage.figures import Change, ChatUsage, MethodUsage, Period, change, period
from projections.usage.heard import Heard, heard_in
from projections.usage.lists import Slice, chats_in, methods_in
from projections.usage.rows import Hour, Whose, hours, within
from projections.usage.spans import DAY_S, WEEK_S, Span, before, day_start, month_start, seconds, so_far, week_start
from projections.usage.trends import ActiveHour, ActiveWeekday, active_hours, active_weekdays
from projections.views import Readable

T = TypeVar("T", ActiveHour, ActiveWeekday)

TOP = Slice(10)
HABITS_S = 4 * WEEK_S
"""Whole weeks, so that no weekday has an advantage."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    today: Period
    this_week: Period
    last_week: Period
    """As far as this one has come."""
    change: Change
    this_month: Period
    most_active_hour: ActiveHour | None
    """Of the last 28 days, UTC; null: there was nothing."""
    most_active_weekday: ActiveWeekday | None
    top_methods: list[MethodUsage]
    """Of this week."""
    top_chats: list[ChatUsage]
    heard: Heard
    """This week."""


def summary(views: Readable, whose: Whose, now: datetime) -> Summary:
    today = day_start(seconds(now))
    tomorrow = today + DAY_S
    week = Span(week_start(today), tomorrow)
    last_week = before(Span(week.start, week.start + WEEK_S), now)
    month = Span(month_start(today), tomorrow)
    habits = Span(tomorrow - HABITS_S, tomorrow)
    with views.reading() as connection:
        rows = hours(connection, whose, Span(min(last_week.start, month.start, habits.start), tomorrow))
        top_methods = methods_in(connection, whose, week, TOP).rows
        top_chats = chats_in(connection, whose, week, TOP).rows
        heard = heard_in(connection, whose, week, TOP.limit)
    this, last = _period(rows, so_far(week, now)), _period(rows, last_week)
    usual = [row for row in rows if row.hour >= habits.start]
    return Summary(
        today=_period(rows, so_far(Span(today, tomorrow), now)),
        this_week=this,
        last_week=last,
        change=change(this, last),
        this_month=_period(rows, so_far(month, now)),
        most_active_hour=_most(active_hours(usual)),
        most_active_weekday=_most(active_weekdays(usual)),
        top_methods=top_methods,
        top_chats=top_chats,
        heard=heard,
    )


def _period(rows: list[Hour], span: Span) -> Period:
    return period(span, *within(rows, span))


def _most(active: list[T]) -> T | None:
    found = max(active, key=lambda one: one.total_requests)
    return found if found.total_requests else None
