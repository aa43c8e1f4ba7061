"""Folds a batch in memory, bot by bot, and writes each bot once.

A row lives from `BotRegistered` to `BotRemoved`: a new registration starts from zero, and what still comes in of a bot
that is gone, or of its former owner, is not counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import cast

import msgspec

from domain.events import BotRegistered, BotRemoved
from domain.store.mapper import Recorded
from projections.health.tally import COLUMNS, COUNTED, Counted, Tally, from_row
from projections.projection import Table

_LOAD = f"SELECT {', '.join(COLUMNS)} FROM health WHERE bot_id IN (SELECT value FROM json_each(?))"  # noqa: S608  ours
_STORE = f"INSERT OR REPLACE INTO health VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_Told = Counted | BotRegistered | BotRemoved
_TOLD = frozenset((*COUNTED, BotRegistered, BotRemoved))


class HealthProjection:
    name = "health"
    carried = (Table("health"),)
    tables = (
        """CREATE TABLE IF NOT EXISTS health (bot_id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL,
        successful INTEGER NOT NULL, failed INTEGER NOT NULL, rejected INTEGER NOT NULL, not_sent INTEGER NOT NULL,
        uncertain INTEGER NOT NULL, retries INTEGER NOT NULL, average_ms REAL, last_success REAL, last_failure REAL,
        consecutive_failures INTEGER NOT NULL, hold_until REAL NOT NULL, suspended INTEGER NOT NULL,
        breaker TEXT NOT NULL, newest_minute INTEGER NOT NULL, minutes BLOB NOT NULL, latencies BLOB NOT NULL)""",
    )

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        told = [cast(_Told, recorded.event) for recorded in events if type(recorded.event) in _TOLD]
        bots = _loaded({event.bot_id for event in told}, connection) if told else {}
        gone: set[int] = set()
        for event in told:
            if isinstance(event, BotRegistered):
                bots[event.bot_id] = Tally(event.bot_id, event.tenant_id)
            elif isinstance(event, BotRemoved):
                bots.pop(event.bot_id, None)
                gone.add(event.bot_id)
            else:
                bot = bots.get(event.bot_id)
                if bot is not None and bot.tenant_id == event.tenant_id:
                    COUNTED[type(event)](bot, event)
        connection.executemany("DELETE FROM health WHERE bot_id=?", [(bot_id,) for bot_id in gone])
        connection.executemany(_STORE, list(map(msgspec.structs.astuple, bots.values())))


def _loaded(bot_ids: set[int], connection: sqlite3.Connection) -> dict[int, Tally]:
    rows = connection.execute(_LOAD, (msgspec.json.encode(sorted(bot_ids)).decode(),))
    return {row[0]: from_row(row) for row in rows}
