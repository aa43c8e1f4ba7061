"""Data keys in the log's SQLite file. What is changed or deleted there is overwritten, in its write-ahead log too."""

from __future__ import annotations

from collections.abc import Sequence

from domain.errors import StoreUnavailable
from domain.store.data_keys import Reseal, SealedKey
from domain.store.sqlite_inbox import Cursor

FOR_READERS_MS = 200
"""Nobody writes while it waits for a reader to end, and a backup reads for minutes: better to be asked again."""
TABLE = "CREATE TABLE IF NOT EXISTS data_keys (tenant_id TEXT PRIMARY KEY, sealed BLOB NOT NULL)"


class SQLiteDataKeys:
    def __init__(self, reading: Cursor, writing: Cursor) -> None:
        self._reading, self._writing = reading, writing

    def of(self, tenant_id: str) -> bytes | None:
        with self._reading() as cursor:
            cursor.execute("SELECT sealed FROM data_keys WHERE tenant_id=?", (tenant_id,))
            row = cursor.fetchone()
            return bytes(row[0]) if row else None

    def all(self) -> list[SealedKey]:
        with self._reading() as cursor:
            cursor.execute("SELECT tenant_id, sealed FROM data_keys ORDER BY tenant_id")
            return [SealedKey(row[0], bytes(row[1])) for row in cursor.fetchall()]

    def keep(self, tenant_id: str, sealed: bytes) -> None:
        with self._writing() as cursor:
            cursor.execute("INSERT OR IGNORE INTO data_keys VALUES (?, ?)", (tenant_id, sealed))

    def change(self, reseals: Sequence[Reseal]) -> None:
        self._overwriting(
            "UPDATE data_keys SET sealed=? WHERE tenant_id=? AND sealed=?",
            [(one.after, one.tenant_id, one.before) for one in reseals],
        )

    def forget(self, *tenant_ids: str) -> None:
        self._overwriting("DELETE FROM data_keys WHERE tenant_id=?", [(one,) for one in tenant_ids])
        self.overwrite_old()

    def overwrite_old(self) -> None:
        with self._reading() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            patience_ms = cursor.fetchone()[0]
            cursor.execute(f"PRAGMA busy_timeout={FOR_READERS_MS}")
            try:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                is_busy = cursor.fetchone()[0]
            finally:
                cursor.execute(f"PRAGMA busy_timeout={patience_ms}")
        if is_busy:
            raise StoreUnavailable("A reader keeps the write-ahead log from being emptied.")

    def _overwriting(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._writing() as cursor:
            cursor.execute("PRAGMA secure_delete=ON")
            cursor.executemany(statement, rows)
            cursor.execute("PRAGMA secure_delete=OFF")
