"""A PostgreSQL log as a whole: who owns it, how it is opened and brought up to date."""

from __future__ import annotations

from datetime import date

import psycopg

from domain.errors import StoreUnusable
from domain.store import postgres_schema as schema
from domain.store.postgres import PostgresStore
from domain.store.postgres_connecting import connected, conninfo_of, first_line, name_of
from domain.store.postgres_lock import PostgresOwner


class PostgresDatabase:
    def __init__(self, url: str) -> None:
        """Raises StoreUnusable."""
        self._conninfo = conninfo_of(url)
        self.name = name_of(self._conninfo)

    def owned_by(self, holder: str) -> PostgresOwner:
        return PostgresOwner(self._conninfo, self.name, holder)

    def opened(self) -> PostgresStore:
        return PostgresStore(self._conninfo, self.name)

    def reader(self) -> PostgresStore:
        return self.opened()

    def migrate(self, today: date, *, dry_run: bool) -> list[str]:
        with connected(self._conninfo, self.name) as connection:
            try:
                return schema.migrated(connection, today, dry_run=dry_run)
            except psycopg.Error as error:
                raise StoreUnusable(f"{self.name}: {first_line(error)}") from error
