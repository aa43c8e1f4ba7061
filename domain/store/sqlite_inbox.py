"""The inbox in the log's SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

import msgspec
from eventsourcing.sqlite import SQLiteCursor

from domain.store.inbox import InboxRow, UpdateKey

DROPPED_AT_ONCE = 2000
TABLES = (
    "CREATE TABLE IF NOT EXISTS inbox (bot_id INTEGER NOT NULL, update_id INTEGER NOT NULL, received_at REAL NOT NULL, "
    "lane TEXT NOT NULL, sealed BLOB, PRIMARY KEY (bot_id, update_id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS inbox_waiting ON inbox (bot_id, update_id) WHERE sealed IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS inbox_received ON inbox (received_at)",
)
PUT = "INSERT INTO inbox VALUES (?, ?, ?, ?, ?)"

Cursor = Callable[[], AbstractContextManager[SQLiteCursor]]


class SQLiteInbox:
    def __init__(self, reading: Cursor, writing: Cursor) -> None:
        self._reading, self._writing = reading, writing

    def known(self, updates: Iterable[UpdateKey]) -> set[UpdateKey]:
        with self._reading() as cursor:
            cursor.execute(
                "SELECT bot_id, update_id FROM json_each(?) CROSS JOIN inbox "
                "ON bot_id=json_extract(value, '$[0]') AND update_id=json_extract(value, '$[1]')",
                (_json(updates),),
            )
            return {(int(row[0]), int(row[1])) for row in cursor.fetchall()}

    def waiting(self, bot_id: int, after: int = -1, limit: int = 100) -> list[InboxRow]:
        with self._reading() as cursor:
            cursor.execute(
                "SELECT bot_id, update_id, received_at, lane, sealed FROM inbox "
                "WHERE bot_id=? AND update_id>? AND sealed IS NOT NULL ORDER BY update_id LIMIT ?",
                (bot_id, after, limit),
            )
            return [InboxRow(*row) for row in cursor.fetchall()]

    def bots(self) -> list[int]:
        with self._reading() as cursor:
            cursor.execute("SELECT DISTINCT bot_id FROM inbox WHERE sealed IS NOT NULL ORDER BY bot_id")
            return [int(row[0]) for row in cursor.fetchall()]

    def highest(self, bot_id: int) -> int:
        with self._reading() as cursor:
            cursor.execute("SELECT COALESCE(MAX(update_id), -1) FROM inbox WHERE bot_id=?", (bot_id,))
            return int(cursor.fetchone()[0])

    def last(self, bot_id: int) -> float | None:
        with self._reading() as cursor:
            cursor.execute("SELECT received_at FROM inbox WHERE bot_id=? ORDER BY update_id DESC LIMIT 1", (bot_id,))
            row = cursor.fetchone()
            return None if row is None else float(row[0])

    def settle(self, bot_id: int, update_ids: Sequence[int]) -> None:
        with self._writing() as cursor:
            cursor.execute(
                "UPDATE inbox SET sealed=NULL WHERE bot_id=? AND update_id IN (SELECT value FROM json_each(?))",
                (bot_id, _json(update_ids)),
            )

    def forget(self, bot_id: int, received_until: float) -> bool:
        return self._drop("bot_id=? AND received_at<=?", (bot_id, received_until))

    def drop_before(self, received_at: float) -> bool:
        return self._drop("received_at<?", (received_at,))

    def _drop(self, which: str, values: tuple[float, ...]) -> bool:
        """So that nobody who records waits for long."""
        with self._writing() as cursor:
            cursor.execute(
                "DELETE FROM inbox WHERE (bot_id, update_id) IN "  # noqa: S608  `which` is one of the two above
                f"(SELECT bot_id, update_id FROM inbox WHERE {which} LIMIT ?)",
                (*values, DROPPED_AT_ONCE),
            )
            cursor.execute("SELECT changes()")
            return int(cursor.fetchone()[0]) == DROPPED_AT_ONCE


def _json(listed: Iterable[object]) -> str:
    return msgspec.json.encode(list(listed)).decode()
