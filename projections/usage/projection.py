"""Folds a batch in memory and adds each touched row once.

Hours stand at three heights: of a bot (under its owner of that time), of a tenant (bot 0) and of the whole fleet
(bot 0, no tenant), so that no question about many bots has to read the hours of each. Days stand per bot and are added
up when somebody asks. Every row tells its hour or its day, as the second at which it begins. Usage is history: nothing
of it goes with a removal, and a bot with a new owner begins anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from domain.store.mapper import Recorded
from projections.usage.batch import GATHERED, Batch, Counted
from projections.usage.classes import add, packed, unpacked
from projections.usage.counts import CHAT_COUNTS, COUNTS, TROUBLED, added, columns_of
from projections.usage.errors_kept import write_errors
from projections.usage.spans import DAY_S

EVERY_BOT, EVERY_TENANT = 0, ""

HOURS = f"""CREATE TABLE IF NOT EXISTS usage_hours (bot_id INTEGER NOT NULL, tenant_id TEXT NOT NULL,
hour INTEGER NOT NULL, {columns_of(COUNTS)}, classes BLOB NOT NULL,
PRIMARY KEY (bot_id, tenant_id, hour)) WITHOUT ROWID"""
METHODS = f"""CREATE TABLE IF NOT EXISTS usage_methods (day INTEGER NOT NULL, tenant_id TEXT NOT NULL,
bot_id INTEGER NOT NULL, method TEXT NOT NULL, {columns_of(COUNTS)},
PRIMARY KEY (day, tenant_id, bot_id, method)) WITHOUT ROWID"""
CHATS = f"""CREATE TABLE IF NOT EXISTS usage_chats (day INTEGER NOT NULL, tenant_id TEXT NOT NULL,
bot_id INTEGER NOT NULL, chat TEXT NOT NULL, {columns_of(CHAT_COUNTS)},
PRIMARY KEY (day, tenant_id, bot_id, chat)) WITHOUT ROWID"""
TROUBLED_CHATS = f"""CREATE INDEX IF NOT EXISTS usage_troubled_chats ON usage_chats (day, tenant_id, bot_id, chat)
WHERE {TROUBLED}"""
ERRORS = """CREATE TABLE IF NOT EXISTS usage_errors (day INTEGER NOT NULL, tenant_id TEXT NOT NULL,
bot_id INTEGER NOT NULL, counted_as TEXT NOT NULL, category TEXT NOT NULL, code TEXT NOT NULL,
telegram_code INTEGER NOT NULL, description TEXT NOT NULL, count INTEGER NOT NULL,
PRIMARY KEY (day, tenant_id, bot_id, counted_as, category, code, telegram_code, description)) WITHOUT ROWID"""


def _upsert(table: str, keys: int, counts: tuple[str, ...], also: str = "") -> str:
    places = ", ".join("?" * (keys + len(counts) + bool(also)))
    return f"INSERT INTO {table} VALUES ({places}) ON CONFLICT DO UPDATE SET {added(counts)}{also}"  # noqa: S608  ours


_CLASSES = "SELECT classes FROM usage_hours WHERE bot_id=? AND tenant_id=? AND hour=?"
_ADD_HOUR = _upsert("usage_hours", 3, COUNTS, ", classes=excluded.classes")
_ADD_METHOD = _upsert("usage_methods", 4, COUNTS)
_ADD_CHAT = _upsert("usage_chats", 4, CHAT_COUNTS)

_Hours = dict[tuple[int, str, int], Counted]


class UsageProjection:
    name = "usage"
    tables = (HOURS, METHODS, CHATS, TROUBLED_CHATS, ERRORS)

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        batch = Batch()
        for recorded in events:
            gather = GATHERED.get(type(recorded.event))
            if gather is not None:
                gather(batch, recorded.event)
        _write_hours(_hours(batch), connection)
        connection.executemany(_ADD_METHOD, _methods(batch))
        connection.executemany(_ADD_CHAT, [(*key, *counts) for key, counts in batch.chats.items()])
        write_errors(batch.errors, connection)


def _hours(batch: Batch) -> _Hours:
    bots: _Hours = {}
    for (tenant_id, bot_id, hour, _), counted in batch.methods.items():
        _merge(bots, (bot_id, tenant_id, hour), counted)
    tenants: _Hours = {}
    for (_, tenant_id, hour), counted in bots.items():
        _merge(tenants, (EVERY_BOT, tenant_id, hour), counted)
    fleet: _Hours = {}
    for (_, _, hour), counted in tenants.items():
        _merge(fleet, (EVERY_BOT, EVERY_TENANT, hour), counted)
    return bots | tenants | fleet


def _merge(hours: _Hours, key: tuple[int, str, int], more: Counted) -> None:
    counted = hours.get(key)
    if counted is None:
        counted = hours[key] = Counted()
    counted.counts = [a + b for a, b in zip(counted.counts, more.counts, strict=True)]
    add(counted.classes, more.classes)


def _write_hours(hours: _Hours, connection: sqlite3.Connection) -> None:
    rows = []
    for key, counted in hours.items():
        found = connection.execute(_CLASSES, key).fetchone()
        if found is not None:
            add(counted.classes, unpacked(found))
        rows.append((*key, *counted.counts, packed(counted.classes)))
    connection.executemany(_ADD_HOUR, rows)


def _methods(batch: Batch) -> list[tuple[object, ...]]:
    """Hours of one day together."""
    days: dict[tuple[int, str, int, str], list[int]] = {}
    for (tenant_id, bot_id, hour, method), counted in batch.methods.items():
        key = (hour - hour % DAY_S, tenant_id, bot_id, method)
        known = days.get(key)
        days[key] = counted.counts if known is None else [a + b for a, b in zip(known, counted.counts, strict=True)]
    return [(*key, *counts) for key, counts in days.items()]
