"""Data keys in PostgreSQL. What is changed or deleted stays in its pages until they are vacuumed and used again."""

from __future__ import annotations

from collections.abc import Sequence

from domain.store.data_keys import Reseal, SealedKey
from domain.store.postgres_inbox import Cursor

TABLE = "CREATE TABLE data_keys (tenant_id text PRIMARY KEY, sealed bytea NOT NULL)"


class PostgresDataKeys:
    def __init__(self, reading: Cursor, writing: Cursor) -> None:
        self._reading, self._writing = reading, writing

    def of(self, tenant_id: str) -> bytes | None:
        with self._reading() as cursor:
            found = cursor.execute("SELECT sealed FROM data_keys WHERE tenant_id = %s", (tenant_id,)).fetchone()
            return None if found is None else bytes(found[0])

    def all(self) -> list[SealedKey]:
        with self._reading() as cursor:
            return [SealedKey(*row) for row in cursor.execute("SELECT tenant_id, sealed FROM data_keys ORDER BY 1")]

    def keep(self, tenant_id: str, sealed: bytes) -> None:
        with self._writing() as cursor:
            cursor.execute("INSERT INTO data_keys VALUES (%s, %s) ON CONFLICT DO NOTHING", (tenant_id, sealed))

    def change(self, reseals: Sequence[Reseal]) -> None:
        with self._writing() as cursor:
            cursor.executemany(
                "UPDATE data_keys SET sealed = %s WHERE tenant_id = %s AND sealed = %s",
                [(one.after, one.tenant_id, one.before) for one in reseals],
            )

    def forget(self, *tenant_ids: str) -> None:
        with self._writing() as cursor:
            cursor.execute("DELETE FROM data_keys WHERE tenant_id = ANY(%s)", (list(tenant_ids),))

    def overwrite_old(self) -> None:
        """The server's own business."""
