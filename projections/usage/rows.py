"""How rows are found: whose they are, and of which hours or days."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from projections.spread import Spread, together
from projections.usage.counts import COUNTS
from projections.usage.projection import EVERY_BOT, EVERY_TENANT
from projections.usage.spans import Span
from projections.views import Readable


class Whose(NamedTuple):
    """Both left out: the whole fleet. A bot alone: whoever had it."""

    tenant_id: str | None = None
    bot_id: int | None = None


class Hour(NamedTuple):
    hour: int
    counts: tuple[int, ...]
    classes: bytes


class Totals(NamedTuple):
    counts: tuple[int, ...]
    classes: Spread


NOTHING = (0,) * len(COUNTS)
_HOURS = f"SELECT hour, classes, {', '.join(COUNTS)} FROM usage_hours WHERE"  # noqa: S608  our own column names


def is_used(views: Readable, whose: Whose) -> bool:
    """Whether there ever was anything of it."""
    where, values = _of_hours(whose)
    with views.reading() as connection:
        found = connection.execute(f"SELECT 1 FROM usage_hours WHERE {where} LIMIT 1", values)  # noqa: S608  ours
        return found.fetchone() is not None


def hours(connection: sqlite3.Connection, whose: Whose, span: Span) -> list[Hour]:
    """By rising hour. Of a bot that changed its owner there may be two of the same hour."""
    where, values = _of_hours(whose)
    rows = connection.execute(f"{_HOURS} {where} AND hour>=? AND hour<? ORDER BY hour", (*values, *span))
    return [Hour(hour, counts, classes) for hour, classes, *counts in rows]


def _of_hours(whose: Whose) -> tuple[str, tuple[str | int, ...]]:
    if whose.bot_id is None:
        return "bot_id=? AND tenant_id=?", (EVERY_BOT, whose.tenant_id or EVERY_TENANT)
    if whose.tenant_id is None:
        return "bot_id=?", (whose.bot_id,)
    return "bot_id=? AND tenant_id=?", (whose.bot_id, whose.tenant_id)


def within(rows: Iterable[Hour], span: Span) -> Totals:
    return totals([row for row in rows if span.start <= row.hour < span.end])


def totals(rows: list[Hour]) -> Totals:
    counts = tuple(map(sum, zip(*(row.counts for row in rows), strict=True))) if rows else NOTHING
    return Totals(counts, together(row.classes for row in rows))


def of_days(whose: Whose, span: Span) -> tuple[str, tuple[str | int, ...]]:
    """The WHERE of a table by day, and its values. Days one by one: each is then one place in the key's order."""
    where = ["day IN (SELECT value FROM json_each(?))"]
    values: list[str | int] = [msgspec.json.encode(span.days).decode()]
    if whose.tenant_id is not None:
        where.append("tenant_id=?")
        values.append(whose.tenant_id)
    elif whose.bot_id is not None:
        where.append("tenant_id IN (SELECT DISTINCT tenant_id FROM usage_hours WHERE bot_id=?)")
        values.append(whose.bot_id)
    if whose.bot_id is not None:
        where.append("bot_id=?")
        values.append(whose.bot_id)
    return " AND ".join(where), tuple(values)
