"""Folds a batch in memory and adds each touched row once.

Hours stand at three heights: of a bot (under its owner of that time), of a tenant (bot 0) and of the whole fleet
(bot 0, no tenant), so that no question about many bots has to read the hours of each. Days stand per bot and are added
up when somebody asks. Every row tells its hour or its day, as the second at which it begins. Usage is history: nothing
of it goes with a removal, and a bot with a new owner begins anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from domain.store.mapper import Recorded
from projections.projection import Table
from projections.spread import add, to_bytes, together
from projections.usage.batch import GATHERED, Batch, BotHour
from projections.usage.counts import BUSY, COUNTS, REQUEST_COUNTS, REQUESTS, TROUBLED, added, columns_of
from projections.usage.errors_kept import write_errors
from projections.usage.heard_kept import UPDATES, write_heard
from projections.usage.spans import DAY_S

EVERY_BOT, EVERY_TENANT = 0, ""

HOURS = f"""CREATE TABLE IF NOT EXISTS usage_hours (bot_id INTEGER NOT NULL, tenant_id TEXT NOT NULL,
hour INTEGER NOT NULL, {columns_of(COUNTS)}, classes BLOB NOT NULL,
PRIMARY KEY (bot_id, tenant_id, hour)) WITHOUT ROWID"""
METHODS = f"""CREATE TABLE IF NOT EXISTS usage_methods (day INTEGER NOT NULL, tenant_id TEXT NOT NULL,
bot_id INTEGER NOT NULL, method TEXT NOT NULL, {columns_of(REQUEST_COUNTS)},
PRIMARY KEY (day, tenant_id, bot_id, method)) WITHOUT ROWID"""
CHATS = f"""CREATE TABLE IF NOT EXISTS usage_chats (day INTEGER NOT NULL, tenant_id TEXT NOT NULL,
bot_id INTEGER NOT NULL, chat TEXT NOT NULL, {columns_of(REQUEST_COUNTS)},
PRIMARY KEY (day, tenant_id, bot_id, chat)) WITHOUT ROWID"""
TROUBLED_CHATS = f"""CREATE INDEX IF NOT EXISTS usage_troubled_chats ON usage_chats
(day, tenant_id, bot_id, chat, failed, rejected, rate_limited) WHERE {TROUBLED}"""
BUSY_CHATS = f"""CREATE INDEX IF NOT EXISTS usage_busy_chats ON usage_chats (day, {REQUESTS}) WHERE {BUSY}"""
ERRORS = """CREATE TABLE IF NOT EXISTS usage_errors (day INTEGER NOT NULL, tenant_id TEXT NOT NULL,
bot_id INTEGER NOT NULL, counted_as TEXT NOT NULL, category TEXT NOT NULL, code TEXT NOT NULL,
telegram_code INTEGER NOT NULL, description TEXT NOT NULL, count INTEGER NOT NULL,
PRIMARY KEY (day, tenant_id, bot_id, counted_as, category, code, telegram_code, description)) WITHOUT ROWID"""


def _upsert(table: str, keys: int, counts: tuple[str, ...], also: str = "") -> str:
    places = ", ".join("?" * (keys + len(counts) + bool(also)))
    return f"INSERT INTO {table} VALUES ({places}) ON CONFLICT DO UPDATE SET {added(counts)}{also}"  # noqa: S608  ours


_CLASSES = "SELECT classes FROM usage_hours WHERE bot_id=? AND tenant_id=? AND hour=?"
_ADD_HOUR = _upsert("usage_hours", 3, COUNTS, ", classes=excluded.classes")
_ADD_METHOD = _upsert("usage_methods", 4, REQUEST_COUNTS)
_ADD_CHAT = _upsert("usage_chats", 4, REQUEST_COUNTS)

_Key = tuple[int, str, int]
_Row = tuple[int | str, ...]


class UsageProjection:
    name = "usage"
    carried = (
        Table("usage_hours", begins="hour"),
        Table("usage_methods", begins="day"),
        Table("usage_chats", begins="day"),
        Table("usage_errors", begins="day"),
        Table("usage_updates", begins="day"),
    )
    tables = (HOURS, METHODS, CHATS, BUSY_CHATS, TROUBLED_CHATS, ERRORS, UPDATES)

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        batch = Batch()
        for recorded in events:
            gather = GATHERED.get(type(recorded.event))
            if gather is not None:
                gather(batch, recorded.event)
        methods: list[_Row] = []
        chats: list[_Row] = []
        for (bot_id, tenant_id, at), hour in batch.hours.items():
            day = at - at % DAY_S
            methods += [(day, tenant_id, bot_id, method, *counts) for method, counts in hour.methods.items()]
            chats += [(day, tenant_id, bot_id, chat, *counts) for chat, counts in hour.chats.items()]
        connection.executemany(_ADD_METHOD, methods)
        connection.executemany(_ADD_CHAT, chats)
        _write_hours(batch.hours, connection)
        write_errors(batch.errors, connection)
        write_heard(batch.heard, connection)


def _write_hours(bots: Mapping[_Key, BotHour], connection: sqlite3.Connection) -> None:
    tenants = _together(bots, lambda _, tenant_id: (EVERY_BOT, tenant_id))
    fleet = _together(tenants, lambda _bot_id, _tenant_id: (EVERY_BOT, EVERY_TENANT))
    rows = []
    for key, hour in chain(bots.items(), tenants.items(), fleet.items()):
        found = connection.execute(_CLASSES, key).fetchone()
        if found is not None:
            add(hour.classes, together(found))
        rows.append((*key, *hour.counts, to_bytes(hour.classes)))
    connection.executemany(_ADD_HOUR, rows)


def _together(hours: Mapping[_Key, BotHour], higher: Callable[[int, str], tuple[int, str]]) -> dict[_Key, BotHour]:
    """One height up."""
    found: dict[_Key, BotHour] = {}
    for (bot_id, tenant_id, at), hour in hours.items():
        key = (*higher(bot_id, tenant_id), at)
        sum_ = found.get(key)
        if sum_ is None:
            sum_ = found[key] = BotHour()
        sum_.counts = [a + b for a, b in zip(sum_.counts, hour.counts, strict=True)]
        add(sum_.classes, hour.classes)
    return found
