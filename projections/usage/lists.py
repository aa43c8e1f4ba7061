"""Methods and chats by how much they are used: in pages, the largest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from projections.usage.busiest import ChatKey, candidates
from projections.usage.counts import REQUEST_COUNTS, REQUESTS, TROUBLED, sums
from projections.usage.figures import ChatUsage, MethodUsage, Requests, requests
from projections.usage.rows import Whose, of_days
from projections.usage.spans import Span
from projections.views import Readable, indexed_by

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


_COLUMNS = {Sort.REQUESTS: REQUESTS, Sort.ERRORS: "failed+rejected", Sort.RATE_LIMITED: "rate_limited"}
_WORTH: dict[Sort, Callable[[Requests], int]] = {
    Sort.REQUESTS: lambda row: row.total_requests,
    Sort.ERRORS: lambda row: row.failed_requests + row.rejected_requests,
    Sort.RATE_LIMITED: lambda row: row.rate_limited,
}


def methods(views: Readable, whose: Whose, span: Span, cut: Slice, sort: Sort = Sort.REQUESTS) -> Page[MethodUsage]:
    with views.reading() as connection:
        return methods_in(connection, whose, span, cut, sort)


def chats(views: Readable, whose: Whose, span: Span, cut: Slice, sort: Sort = Sort.REQUESTS) -> Page[ChatUsage]:
    with views.reading() as connection:
        return chats_in(connection, whose, span, cut, sort)


def methods_in(
    connection: sqlite3.Connection, whose: Whose, span: Span, cut: Slice, sort: Sort = Sort.REQUESTS
) -> Page[MethodUsage]:
    where, values = of_days(whose, span)
    rows = connection.execute(
        f"""SELECT method, {sums(REQUEST_COUNTS)} FROM usage_methods WHERE {where}
        GROUP BY method ORDER BY SUM({_COLUMNS[sort]}) DESC, method LIMIT ? OFFSET ?""",  # noqa: S608  our own words
        (*values, cut.limit + 1, cut.offset),
    )
    return page([MethodUsage(method=method, **requests(*counts)) for method, *counts in rows], cut)


def chats_in(
    connection: sqlite3.Connection, whose: Whose, span: Span, cut: Slice, sort: Sort = Sort.REQUESTS
) -> Page[ChatUsage]:
    """By errors or by answers 429: only those that have any."""
    wanted = cut.offset + cut.limit + 1
    if sort is not Sort.REQUESTS:
        rows = _added_up(connection, _troubled(connection, whose, span, sort, wanted), span)
    elif (likely := candidates(connection, whose, span, wanted)) is not None:
        rows = _added_up(connection, likely, span)
    else:
        rows = _all_added_up(connection, whose, span, wanted)
    found = [
        ChatUsage(tenant_id=tenant_id, bot_id=bot_id, chat=chat, **requests(*counts))
        for tenant_id, bot_id, chat, *counts in rows
    ]
    found.sort(key=lambda row: (-_WORTH[sort](row), row.tenant_id, row.bot_id, row.chat))
    return page(found[cut.offset :][: cut.limit + 1], cut)


def _troubled(connection: sqlite3.Connection, whose: Whose, span: Span, sort: Sort, wanted: int) -> list[ChatKey]:
    where, values = of_days(whose, span)
    hint = indexed_by(connection, "usage_chats", "usage_troubled_chats")
    rows = connection.execute(
        f"""SELECT tenant_id, bot_id, chat FROM usage_chats {hint}
        WHERE {where} AND {TROUBLED} AND {_COLUMNS[sort]}>0 GROUP BY tenant_id, bot_id, chat
        ORDER BY SUM({_COLUMNS[sort]}) DESC, tenant_id, bot_id, chat LIMIT ?""",  # noqa: S608  our own words
        (*values, wanted),
    )
    return [ChatKey(*row) for row in rows]


def _added_up(connection: sqlite3.Connection, chats: Iterable[ChatKey], span: Span) -> list[tuple[Any, ...]]:
    days, values = of_days(Whose(), span)
    sql = f"SELECT {sums(REQUEST_COUNTS)} FROM usage_chats WHERE {days} AND tenant_id=? AND bot_id=? AND chat=?"  # noqa: S608
    return [(*chat, *connection.execute(sql, (*values, *chat)).fetchone()) for chat in chats]


def _all_added_up(connection: sqlite3.Connection, whose: Whose, span: Span, wanted: int) -> list[tuple[Any, ...]]:
    where, values = of_days(whose, span)
    return connection.execute(
        f"""SELECT tenant_id, bot_id, chat, {sums(REQUEST_COUNTS)} FROM usage_chats WHERE {where}
        GROUP BY tenant_id, bot_id, chat ORDER BY SUM({REQUESTS}) DESC, tenant_id, bot_id, chat LIMIT ?""",  # noqa: S608
        (*values, wanted),
    ).fetchall()


def page(rows: list[T], cut: Slice) -> Page[T]:
    """From one row more than is shown."""
    more = len(rows) > cut.limit
    return Page(rows[: cut.limit], cut.offset + cut.limit if more else None)
