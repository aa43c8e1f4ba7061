"""Methods and chats by how much they are used: in pages, the largest first."""

from __future__ import annotations

import sqlite3
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from projections.usage.counts import CHAT_COUNTS, COUNTS, REQUESTS, TROUBLED, sums
from projections.usage.figures import ChatUsage, MethodUsage, requests, usage
from projections.usage.rows import Whose, of_days
from projections.usage.spans import Span
from projections.views import Views

T = TypeVar("T")


class Sort(StrEnum):
    REQUESTS = "requests"
    ERRORS = "errors"
    RATE_LIMITED = "rate_limited"


class Slice(NamedTuple):
    limit: int
    offset: int = 0


class Page(msgspec.Struct, Generic[T], frozen=True):
    rows: list[T]
    next_offset: int | None
    """Where the next page begins; null: this is the last one."""


_WORTH = {
    Sort.REQUESTS: REQUESTS,
    Sort.ERRORS: "failed+rejected",
    Sort.RATE_LIMITED: "rate_limited",
}
_BY_TROUBLE = "usage_chats INDEXED BY usage_troubled_chats"


def methods(views: Views, whose: Whose, span: Span, cut: Slice, sort: Sort = Sort.REQUESTS) -> Page[MethodUsage]:
    with views.reading() as connection:
        return methods_in(connection, whose, span, cut, sort)


def chats(views: Views, whose: Whose, span: Span, cut: Slice, sort: Sort = Sort.REQUESTS) -> Page[ChatUsage]:
    with views.reading() as connection:
        return chats_in(connection, whose, span, cut, sort)


def methods_in(
    connection: sqlite3.Connection, whose: Whose, span: Span, cut: Slice, sort: Sort = Sort.REQUESTS
) -> Page[MethodUsage]:
    where, values = of_days(whose, span)
    rows = connection.execute(
        f"""SELECT method, {sums(COUNTS)} FROM usage_methods WHERE {where}
        GROUP BY method ORDER BY SUM({_WORTH[sort]}) DESC, method LIMIT ? OFFSET ?""",  # noqa: S608  our own words
        (*values, cut.limit + 1, cut.offset),
    )
    return page([MethodUsage(method=method, **usage(counts)) for method, *counts in rows], cut)


def chats_in(
    connection: sqlite3.Connection, whose: Whose, span: Span, cut: Slice, sort: Sort = Sort.REQUESTS
) -> Page[ChatUsage]:
    """By errors or by answers 429: only those that have any."""
    where, values = of_days(whose, span)
    if sort is Sort.REQUESTS:
        rows = _ranked(connection, "usage_chats", where, sort, (*values, cut.limit + 1, cut.offset))
    else:
        troubled = f"{where} AND {TROUBLED} AND {_WORTH[sort]}>0"
        found = _ranked(connection, _BY_TROUBLE, troubled, sort, (*values, cut.limit + 1, cut.offset))
        # Their other days too.
        days, _ = of_days(Whose(), span)
        own = (
            f"SELECT ?, ?, ?, {sums(CHAT_COUNTS)} FROM usage_chats WHERE {days} AND tenant_id=? AND bot_id=? AND chat=?"  # noqa: S608  our own words
        )
        rows = [connection.execute(own, (*row[:3], values[0], *row[:3])).fetchone() for row in found]
    return page(
        [
            ChatUsage(tenant_id=tenant_id, bot_id=bot_id, chat=chat, **requests(*counts))
            for tenant_id, bot_id, chat, *counts in rows
        ],
        cut,
    )


def _ranked(
    connection: sqlite3.Connection, table: str, where: str, sort: Sort, values: tuple[str | int, ...]
) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"""SELECT tenant_id, bot_id, chat, {sums(CHAT_COUNTS)} FROM {table} WHERE {where}
        GROUP BY tenant_id, bot_id, chat ORDER BY SUM({_WORTH[sort]}) DESC, tenant_id, bot_id, chat
        LIMIT ? OFFSET ?""",  # noqa: S608  our own words
        values,
    ).fetchall()


def page(rows: list[T], cut: Slice) -> Page[T]:
    """From one row more than is shown."""
    more = len(rows) > cut.limit
    return Page(rows[: cut.limit], cut.offset + cut.limit if more else None)
