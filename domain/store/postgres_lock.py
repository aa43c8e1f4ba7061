"""One process owns the bots of a database: an advisory lock of PostgreSQL, on a connection of its own.

The server drops it when the connection ends, however it ends. So a server that was restarted has forgotten it, and
`check` takes it again, unless another process was quicker.
"""

from __future__ import annotations

import psycopg

from domain.errors import AlreadyOwned, StoreUnavailable, StoreUnusable
from domain.store.postgres_connecting import ADVISORY, OWNER_LOCK, Connection, connected, first_line

NAME_LENGTH = 63
"""PostgreSQL cuts application names there."""
HOLDER = """
SELECT application_name, coalesce(host(client_addr), 'the database server'), backend_start
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s
AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class PostgresOwner:
    def __init__(self, conninfo: str, name: str, holder: str) -> None:
        """Raises AlreadyOwned, StoreUnusable."""
        self._conninfo, self._name, self._holder = conninfo, name, holder
        self._connection = self._taken()

    def check(self) -> None:
        """Raises AlreadyOwned when another has it by now, StoreUnavailable when the database does not say."""
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self._connection.close()
            try:
                self._connection = self._taken()
            except StoreUnusable as error:
                raise StoreUnavailable(str(error)) from error

    def release(self) -> None:
        self._connection.close()

    def _taken(self) -> Connection:
        connection = connected(self._conninfo, self._name)
        try:
            connection.execute("SELECT set_config('application_name', %s, false)", (self._holder[:NAME_LENGTH],))
            if connection.execute("SELECT 1 WHERE pg_try_advisory_lock(%s, %s)", (ADVISORY, OWNER_LOCK)).fetchone():
                return connection
            who = self._who_has_it(connection)
        except psycopg.Error as error:
            connection.close()
            raise StoreUnusable(f"{self._name}: {first_line(error)}") from error
        connection.close()
        raise AlreadyOwned(who)

    def _who_has_it(self, connection: Connection) -> str:
        row = connection.execute(HOLDER, (ADVISORY, OWNER_LOCK)).fetchone()
        who = f"{row[0]} connected from {row[1]} since {row[2]:%Y-%m-%d %H:%M:%S %Z}," if row else "It"
        return f"{who} holds {self._name}. Stop it, or use another BOTLOFT_DATABASE_URL."
