"""The inbox in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from domain.store.inbox import InboxRow, UpdateKey

DROPPED_AT_ONCE = 5000
TABLES = (
    "CREATE TABLE inbox (bot_id bigint NOT NULL, update_id bigint NOT NULL, received_at double precision NOT NULL, "
    "lane text NOT NULL, sealed bytea, PRIMARY KEY (bot_id, update_id))",
    "CREATE INDEX inbox_waiting ON inbox (bot_id, update_id) WHERE sealed IS NOT NULL",
    "CREATE INDEX inbox_received ON inbox (received_at)",
)
PUT = (
    "INSERT INTO inbox SELECT * FROM "
    "unnest(%s::bigint[], %s::bigint[], %s::double precision[], %s::text[], %b::bytea[])"
)

Cursor = Callable[[], AbstractContextManager[psycopg.Cursor[Any]]]


class PostgresInbox:
    def __init__(self, reading: Cursor, writing: Cursor) -> None:
        self._reading, self._writing = reading, writing

    def known(self, updates: Iterable[UpdateKey]) -> set[UpdateKey]:
        wanted = list(updates)
        with self._reading() as cursor:
            found = cursor.execute(
                "SELECT bot_id, update_id FROM inbox WHERE (bot_id, update_id) IN "
                "(SELECT * FROM unnest(%s::bigint[], %s::bigint[]))",
                ([bot_id for bot_id, _ in wanted], [update_id for _, update_id in wanted]),
            )
            return {(int(bot_id), int(update_id)) for bot_id, update_id in found}

    def waiting(self, bot_id: int, after: int = -1, limit: int = 100) -> list[InboxRow]:
        with self._reading() as cursor:
            found = cursor.execute(
                "SELECT bot_id, update_id, received_at, lane, sealed FROM inbox "
                "WHERE bot_id=%s AND update_id>%s AND sealed IS NOT NULL ORDER BY update_id LIMIT %s",
                (bot_id, after, limit),
            )
            return [InboxRow(*row) for row in found]

    def bots(self) -> list[int]:
        with self._reading() as cursor:
            found = cursor.execute("SELECT DISTINCT bot_id FROM inbox WHERE sealed IS NOT NULL ORDER BY bot_id")
            return [int(bot_id) for (bot_id,) in found]

    def highest(self, bot_id: int) -> int:
        with self._reading() as cursor:
            found = cursor.execute(
                "SELECT COALESCE(MAX(update_id), -1) FROM inbox WHERE bot_id=%s", (bot_id,)
            ).fetchone()
            return int(found[0]) if found else -1

    def last(self, bot_id: int) -> float | None:
        with self._reading() as cursor:
            found = cursor.execute(
                "SELECT received_at FROM inbox WHERE bot_id=%s ORDER BY update_id DESC LIMIT 1", (bot_id,)
            ).fetchone()
            return None if found is None else float(found[0])

    def settle(self, bot_id: int, update_ids: Sequence[int]) -> None:
        with self._writing() as cursor:
            cursor.execute(
                "UPDATE inbox SET sealed=NULL WHERE bot_id=%s AND update_id=ANY(%s)", (bot_id, list(update_ids))
            )

    def forget(self, bot_id: int, received_until: float) -> bool:
        return self._drop(b"bot_id=%s AND received_at<=%s", (bot_id, received_until))

    def drop_before(self, received_at: float) -> bool:
        return self._drop(b"received_at<%s", (received_at,))

    def _drop(self, which: bytes, values: tuple[float, ...]) -> bool:
        """So that nobody who records waits for long."""
        with self._writing() as cursor:
            cursor.execute(
                b"DELETE FROM inbox WHERE (bot_id, update_id) IN "
                b"(SELECT bot_id, update_id FROM inbox WHERE " + which + b" LIMIT %s)",
                (*values, DROPPED_AT_ONCE),
            )
            return cursor.rowcount == DROPPED_AT_ONCE
