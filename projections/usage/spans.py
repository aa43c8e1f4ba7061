"""Stretches of time in whole UTC hours, as seconds since 1970: days, weeks from Monday on, months, what came before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

HOUR_S, DAY_S = 3600, 86_400
WEEK_S = 7 * DAY_S
MONDAY_S = 4 * DAY_S
"""1970 began on a Thursday."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class By(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Span(NamedTuple):
    start: int
    end: int
    """Not in it any more."""

    @property
    def days(self) -> list[int]:
        return list(range(self.start, self.end, DAY_S))


def hour_start(second: int) -> int:
    return second - second % HOUR_S


def day_start(second: int) -> int:
    return second - second % DAY_S


def week_start(second: int) -> int:
    return second - (second - MONDAY_S) % WEEK_S


def month_start(second: int) -> int:
    first = datetime.fromtimestamp(second, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(first.timestamp())


START: dict[By, Callable[[int], int]] = {
    By.HOUR: hour_start,
    By.DAY: day_start,
    By.WEEK: week_start,
    By.MONTH: month_start,
}
LONGEST_S = {By.HOUR: HOUR_S, By.DAY: DAY_S, By.WEEK: WEEK_S, By.MONTH: 31 * DAY_S}


def weekday(second: int) -> int:
    """0 is Monday."""
    return (second - MONDAY_S) // DAY_S % 7


def hour_of_day(second: int) -> int:
    return second % DAY_S // HOUR_S


def seconds(now: datetime) -> int:
    return int(now.timestamp())


def last_days(days: int, now: datetime) -> Span:
    """Today, and whole days before it."""
    end = day_start(seconds(now)) + DAY_S
    return Span(end - days * DAY_S, end)


def so_far(span: Span, now: datetime) -> Span:
    """As far as it has come: to the end of this hour."""
    return Span(span.start, max(span.start, min(span.end, hour_start(seconds(now)) + HOUR_S)))


def before(span: Span, now: datetime) -> Span:
    """As long a stretch just before it. What is not over is held against as much of the one before."""
    length = span.end - span.start
    return Span(span.start - length, so_far(span, now).end - length)


def starts(span: Span, by: By) -> Iterator[int]:
    """Of every part of it, also of those in which nothing happens."""
    start = START[by]
    at = start(span.start)
    while at < span.end:
        yield at
        at = start(at + LONGEST_S[by])


def usual(span: Span) -> By:
    """Parts that are neither too few for a chart nor too many."""
    length = timedelta(seconds=span.end - span.start)
    if length <= timedelta(days=2):
        return By.HOUR
    return By.DAY if length <= timedelta(days=62) else By.WEEK
