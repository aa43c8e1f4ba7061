"""The busiest chats of many days without looking at every chat of every day.

An index has each day's chats by their requests, those with a handful or more. Of each day the first so many are read:
a chat that is not among them had no more requests than the last of them. So each chat has a least and a most, and only
those that can still be among the wanted are added up. Where the days are too flat to tell, all have to be.
"""

from __future__ import annotations

import sqlite3
from heapq import nlargest
from typing import NamedTuple

from projections.usage.counts import BUSY, BUSY_FROM, REQUESTS
from projections.usage.rows import Whose
from projections.usage.spans import Span
from projections.views import indexed_by

READ_A_DAY = 1000
ADDED_UP_MAX = 500


class ChatKey(NamedTuple):
    tenant_id: str
    bot_id: int
    chat: str


def candidates(connection: sqlite3.Connection, whose: Whose, span: Span, wanted: int) -> list[ChatKey] | None:
    """Among these are the first so many, in no order; None: that cannot be told."""
    least: dict[ChatKey, int] = {}
    most_where_seen: dict[ChatKey, int] = {}
    unseen_total = 0
    for day in span.days:
        rows = _first_of_day(connection, whose, day)
        unseen = rows[-1][-1] if len(rows) == READ_A_DAY else BUSY_FROM - 1
        unseen_total += unseen
        for tenant_id, bot_id, name, many in rows:
            chat = ChatKey(tenant_id, bot_id, name)
            least[chat] = least.get(chat, 0) + many
            most_where_seen[chat] = most_where_seen.get(chat, 0) + unseen
    if len(least) < wanted:
        return None
    needed = nlargest(wanted, least.values())[-1]
    if unseen_total >= needed:
        return None
    found = [chat for chat, many in least.items() if many + unseen_total - most_where_seen[chat] >= needed]
    return found if len(found) <= ADDED_UP_MAX else None


def _first_of_day(connection: sqlite3.Connection, whose: Whose, day: int) -> list[tuple[str, int, str, int]]:
    where = f"day=? AND {BUSY}"
    values: list[str | int] = [day]
    if whose.tenant_id is not None:
        where, values = f"{where} AND tenant_id=?", [*values, whose.tenant_id]
    if whose.bot_id is not None:
        where, values = f"{where} AND bot_id=?", [*values, whose.bot_id]
    hint = indexed_by(connection, "usage_chats", "usage_busy_chats")
    return connection.execute(
        f"""SELECT tenant_id, bot_id, chat, {REQUESTS} FROM usage_chats {hint}
        WHERE {where} ORDER BY {REQUESTS} DESC LIMIT ?""",  # noqa: S608  our own words
        (*values, READ_A_DAY),
    ).fetchall()
