"""What went wrong: by category, code and Telegram's own words, in which chats, and when Telegram said 429."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec

from projections.moments import moment
from projections.usage.counts import RATE_LIMITED
from projections.usage.figures import ChatUsage, Period, period
from projections.usage.lists import Page, Slice, Sort, chats_in, page
from projections.usage.rows import Whose, hours, of_days, totals
from projections.usage.spans import Span, hour_of_day, so_far
from projections.views import Readable

TOP = Slice(10)


class Error(msgspec.Struct, frozen=True, kw_only=True):
    counted_as: str
    """`failed` and `rejected` are requests; `not_sent` is what we refused ourselves, or what Telegram held off."""
    category: str | None
    code: str
    """The problem code that callers saw."""
    telegram_code: int | None
    description: str
    """Without quotations, names and numbers, so that equal errors are told as one."""
    count: int
    share: float
    """Of all that are counted here."""
    first_day: datetime
    last_day: datetime


class Share(msgspec.Struct, frozen=True, kw_only=True):
    name: str | None
    count: int
    share: float


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Telegram's answers 429; a command that was delivered after all may have had some."""

    count: int
    peak_hour: int | None
    """UTC; null: there were none."""
    by_hour_of_day: list[int]
    """24 of them."""
    chats: list[ChatUsage]


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    period: Period
    count: int
    by_outcome: list[Share]
    by_category: list[Share]
    by_code: list[Share]
    by_telegram_code: list[Share]
    errors: Page[Error]
    chats: list[ChatUsage]
    """Those with the most failed and rejected requests."""
    rate_limits: RateLimits


def errors(views: Readable, whose: Whose, span: Span, cut: Slice, now: datetime) -> Errors:
    with views.reading() as connection:
        found = _found(connection, whose, span)
        rows = hours(connection, whose, span)
        troubled = chats_in(connection, whose, span, TOP, Sort.ERRORS).rows
        limited = chats_in(connection, whose, span, TOP, Sort.RATE_LIMITED).rows
    by_hour = [0] * 24
    for row in rows:
        by_hour[hour_of_day(row.hour)] += row.counts[RATE_LIMITED]
    return Errors(
        period=period(so_far(span, now), *totals(rows)),
        count=sum(error.count for error in found),
        by_outcome=_shares(found, lambda error: error.counted_as),
        by_category=_shares(found, lambda error: error.category),
        by_code=_shares(found, lambda error: error.code),
        by_telegram_code=_shares(found, lambda error: str(error.telegram_code) if error.telegram_code else None),
        errors=page(found[cut.offset : cut.offset + cut.limit + 1], cut),
        chats=troubled,
        rate_limits=RateLimits(
            count=sum(by_hour),
            peak_hour=by_hour.index(max(by_hour)) if any(by_hour) else None,
            by_hour_of_day=by_hour,
            chats=limited,
        ),
    )


def _found(connection: sqlite3.Connection, whose: Whose, span: Span) -> list[Error]:
    where, values = of_days(whose, span)
    rows = connection.execute(
        f"""SELECT counted_as, category, code, telegram_code, description, SUM(count) AS many, MIN(day), MAX(day)
        FROM usage_errors WHERE {where} GROUP BY counted_as, category, code, telegram_code, description
        ORDER BY many DESC, code, description, category, counted_as, telegram_code""",  # noqa: S608  our own words
        values,
    ).fetchall()
    total = sum(row[5] for row in rows)
    return [_error(*row, total=total) for row in rows]


def _error(counted_as: str, category: str, code: str, telegram_code: int, *rest: Any, total: int) -> Error:
    description, count, first, last = rest
    return Error(
        counted_as=counted_as,
        category=category or None,
        code=code,
        telegram_code=telegram_code or None,
        description=description,
        count=count,
        share=count / total,
        first_day=moment(first),
        last_day=moment(last),
    )


def _shares(found: Iterable[Error], of: Callable[[Error], str | None]) -> list[Share]:
    counts: Counter[str | None] = Counter()
    for error in found:
        counts[of(error)] += error.count
    total = counts.total()
    ordered = sorted(counts.items(), key=itemgetter(1), reverse=True)
    return [Share(name=name, count=count, share=count / total) for name, count in ordered]
