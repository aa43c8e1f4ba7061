"""Folds failed attempts and the ends of commands that were retried; everything else passes by.

Each count is kept twice, for its bot and for the fleet, so that a bot's reset leaves the fleet's numbers alone. A reset
of the fleet's is one of every bot's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from domain import events
from domain.failure import TREATMENT
from domain.store.mapper import Recorded
from projections.projection import Table
from projections.retries import tally as tallies
from projections.retries.tally import FLEET, Tally

DAY_S = 86_400

_KEY = tallies.COLUMNS[:4]
_GET = f"""SELECT {", ".join(tallies.COLUMNS)} FROM retries
    WHERE {" AND ".join(f"{name}=?" for name in _KEY)}"""  # noqa: S608  our own column names
_PUT = f"INSERT OR REPLACE INTO retries VALUES ({', '.join('?' * len(tallies.COLUMNS))})"  # noqa: S608
_PUT_RETRIED = "INSERT OR REPLACE INTO retried_commands VALUES (?, ?, ?, ?, ?, ?)"
_PUT_SINCE = "INSERT OR IGNORE INTO retries_since VALUES (?, ?, NULL)"


class RetriesProjection:
    name = "retries"
    # Whole, days too: a reset takes counts of any day away.
    carried = (Table("retries"), Table("retried_commands"), Table("retries_since"))
    tables = (
        """CREATE TABLE IF NOT EXISTS retries (bot_id INTEGER NOT NULL, day INTEGER NOT NULL, category TEXT NOT NULL,
        strategy TEXT NOT NULL, failed INTEGER NOT NULL, retried INTEGER NOT NULL, recovered INTEGER NOT NULL,
        given_up INTEGER NOT NULL, delay_ms REAL NOT NULL, delay_ms_max REAL NOT NULL, delays BLOB NOT NULL,
        PRIMARY KEY (bot_id, day, category, strategy)) WITHOUT ROWID""",
        """CREATE TABLE IF NOT EXISTS retried_commands (command_id TEXT PRIMARY KEY, bot_id INTEGER NOT NULL,
        at INTEGER NOT NULL, category TEXT NOT NULL, strategy TEXT NOT NULL, counts_for_bot INTEGER NOT NULL)
        WITHOUT ROWID""",
        """CREATE TABLE IF NOT EXISTS retries_since (bot_id INTEGER PRIMARY KEY, since REAL NOT NULL, reason TEXT)""",
    )

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        if not events:
            return
        # It is the log's very first event whose time stays.
        connection.execute(_PUT_SINCE, (FLEET, events[0].event.occurred_at.timestamp()))
        batch = _Batch(connection)
        for _, _, _, event in events:
            tell = TOLD.get(type(event))
            if tell is not None:
                tell(batch, event)
        batch.write()


class Retried(msgspec.Struct):
    """A command that was retried and has not ended, its fields in the order of the table's columns."""

    command_id: str
    bot_id: int
    at: int
    category: str
    strategy: str
    """Of its last failure."""
    counts_for_bot: int
    """0: the bot's numbers were reset after its last retry."""


class _Batch:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tallies: dict[tuple[int, int, str, str], Tally] = {}
        # All of them: there are few, and each command that ends has to be looked for.
        rows = connection.execute("SELECT * FROM retried_commands")
        self._retried: dict[str, Retried] = {row[0]: Retried(*row) for row in rows}
        self._changed: dict[str, Retried] = {}
        self._ended: set[str] = set()

    def attempt_failed(self, event: events.AttemptFailed) -> None:
        at = event.occurred_at.timestamp()
        strategy = (event.strategy or TREATMENT[event.category].strategy).value
        kind = (event.category.value, strategy)
        for bot_id in (FLEET, event.bot_id):
            self._tally(bot_id, at, *kind).attempt_failed(event)
        known = self._retried.get(event.command_id)
        if event.again_at is not None or known is not None:
            counts = 1 if event.again_at is not None or known is None else known.counts_for_bot
            retried = Retried(event.command_id, event.bot_id, int(at), *kind, counts)
            self._retried[event.command_id] = self._changed[event.command_id] = retried

    def delivered(self, event: events.CommandDelivered) -> None:
        if event.command_id in self._retried:
            for tally in self._counting(event):
                tally.recovered += 1

    def failed(self, event: events.Failed) -> None:
        if event.command_id in self._retried:
            for tally in self._counting(event):
                tally.given_up += 1

    def registered(self, event: events.BotRegistered) -> None:
        self._connection.execute(_PUT_SINCE, (event.bot_id, event.occurred_at.timestamp()))

    def reset(self, event: events.RetryStatisticsReset) -> None:
        self.write()
        since = (event.occurred_at.timestamp(), event.reason)
        if event.bot_id is None:
            self._connection.execute("DELETE FROM retries")
            self._connection.execute("DELETE FROM retried_commands")
            self._retried.clear()
            self._connection.execute("UPDATE retries_since SET since=?, reason=?", since)
            return
        bot = (event.bot_id,)
        self._connection.execute("DELETE FROM retries WHERE bot_id=?", bot)
        for retried in self._retried.values():
            if retried.bot_id == event.bot_id:
                retried.counts_for_bot = 0
                self._changed[retried.command_id] = retried
        self._connection.execute("INSERT OR REPLACE INTO retries_since VALUES (?, ?, ?)", (*bot, *since))

    def write(self) -> None:
        self._connection.executemany(_PUT, map(tallies.to_row, self._tallies.values()))
        gone = [(command_id,) for command_id in self._ended]
        self._connection.executemany("DELETE FROM retried_commands WHERE command_id=?", gone)
        self._connection.executemany(_PUT_RETRIED, map(msgspec.structs.astuple, self._changed.values()))
        self._tallies, self._changed, self._ended = {}, {}, set()

    def _counting(self, event: events.Ended) -> list[Tally]:
        """What the end of a retried command counts for."""
        known = self._retried.pop(event.command_id)
        self._changed.pop(event.command_id, None)
        self._ended.add(event.command_id)
        at = event.occurred_at.timestamp()
        bot_ids = (FLEET, known.bot_id) if known.counts_for_bot else (FLEET,)
        return [self._tally(bot_id, at, known.category, known.strategy) for bot_id in bot_ids]

    def _tally(self, bot_id: int, at: float, category: str, strategy: str) -> Tally:
        key = (bot_id, int(at // DAY_S) * DAY_S, category, strategy)
        found = self._tallies.get(key)
        if found is None:
            row = self._connection.execute(_GET, key).fetchone()
            found = self._tallies[key] = Tally(*key) if row is None else tallies.from_row(row)
        return found


TOLD: dict[type[events.Event], Callable[[_Batch, Any], None]] = {
    events.AttemptFailed: _Batch.attempt_failed,
    events.CommandDelivered: _Batch.delivered,
    events.CommandRejected: _Batch.failed,
    events.CommandNotSent: _Batch.failed,
    events.CommandUncertain: _Batch.failed,
    events.BotRegistered: _Batch.registered,
    events.RetryStatisticsReset: _Batch.reset,
}
