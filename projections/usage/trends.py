"""How usage goes up and down: point by point, beside the stretch before, and over the hours and the week."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from projections.moments import moment
from projections.usage.figures import Change, Period, Point, Usage, change, period, timed, usage
from projections.usage.rows import NOTHING, Hour, Whose, hours, totals, within
from projections.usage.spans import START, WEEKDAYS, By, Span, before, hour_of_day, so_far, starts, weekday
from projections.views import Readable


class ActiveHour(Usage, frozen=True, kw_only=True):
    hour: int


class ActiveWeekday(Usage, frozen=True, kw_only=True):
    weekday: str


class Trends(msgspec.Struct, frozen=True, kw_only=True):
    by: By
    this_period: Period
    previous_period: Period
    """As long, just before; what of this one is still to come is left out of both."""
    change: Change
    points: list[Point]
    hours: list[ActiveHour]
    """All 24, UTC."""
    weekdays: list[ActiveWeekday]


def trends(views: Readable, whose: Whose, span: Span, by: By, now: datetime) -> Trends:
    earlier = before(span, now)
    with views.reading() as connection:
        rows = hours(connection, whose, Span(min(earlier.start, span.start), span.end))
    this, previous = _period(rows, so_far(span, now)), _period(rows, earlier)
    rows = [row for row in rows if row.hour >= span.start]
    return Trends(
        by=by,
        this_period=this,
        previous_period=previous,
        change=change(this, previous),
        points=_points(rows, span, by, now),
        hours=active_hours(rows),
        weekdays=active_weekdays(rows),
    )


def active_hours(rows: list[Hour]) -> list[ActiveHour]:
    found = _grouped(rows, hour_of_day)
    return [ActiveHour(hour=hour, **usage(_counts(found, hour))) for hour in range(24)]


def active_weekdays(rows: list[Hour]) -> list[ActiveWeekday]:
    found = _grouped(rows, weekday)
    return [ActiveWeekday(weekday=name, **usage(_counts(found, day))) for day, name in enumerate(WEEKDAYS)]


def _points(rows: list[Hour], span: Span, by: By, now: datetime) -> list[Point]:
    """Up to now, also those in which nothing happened; what comes is not nothing."""
    found = _grouped(rows, START[by])
    points = []
    for start in starts(so_far(span, now), by):
        counts, classes = totals(found.get(start, []))
        points.append(Point(at=moment(start), **timed(counts, classes)))
    return points


def _period(rows: list[Hour], span: Span) -> Period:
    return period(span, *within(rows, span))


def _grouped(rows: list[Hour], into: Callable[[int], int]) -> dict[int, list[Hour]]:
    found: dict[int, list[Hour]] = {}
    for row in rows:
        found.setdefault(into(row.hour), []).append(row)
    return found


def _counts(found: dict[int, list[Hour]], key: int) -> tuple[int, ...]:
    rows = found.get(key)
    return tuple(map(sum, zip(*(row.counts for row in rows), strict=True))) if rows else NOTHING
