"""How we connect to PostgreSQL: soon or not at all, noticing a peer that is gone, every commit on the disk."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from domain.errors import StoreUnusable

TIMEOUT_S = 2
DEFAULTS = {
    "application_name": "botloft",
    "client_encoding": "utf8",
    "connect_timeout": str(TIMEOUT_S),
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""What the URL says itself comes first."""
SESSION = (
    f"SET lock_timeout = '{TIMEOUT_S}s'",
    # A process that hangs in the middle of a transaction must not keep everybody else waiting.
    "SET idle_in_transaction_session_timeout = '10s'",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)
ADVISORY = 0x626F746C
"""`botl`: the class of our advisory locks, one number each."""
OWNER_LOCK, SCHEMA_LOCK = 1, 2

Connection = psycopg.Connection[TupleRow]


def conninfo_of(url: str) -> str:
    """Raises StoreUnusable, which does not quote the URL: there is a password in it."""
    try:
        given: dict[str, Any] = conninfo_to_dict(url)
        return make_conninfo(**{**DEFAULTS, **given})
    except psycopg.Error:
        raise StoreUnusable(
            "BOTLOFT_DATABASE_URL is not understood. It is postgresql://user:password@host:port/database, "
            "with % codes for special characters in user and password."
        ) from None


def name_of(conninfo: str) -> str:
    parts: dict[str, Any] = conninfo_to_dict(conninfo)
    host = parts.get("host") or parts.get("hostaddr") or "the local socket"
    port = f":{parts['port']}" if "port" in parts else ""
    return f"PostgreSQL at {host}{port}, database {parts.get('dbname') or parts.get('user') or 'of this user'}"


def prepared(connection: psycopg.Connection[Any]) -> None:
    connection.autocommit = True
    for statement in SESSION:
        connection.execute(statement)


def connected(conninfo: str, name: str) -> Connection:
    """Raises StoreUnusable."""
    try:
        connection = psycopg.connect(conninfo)
        prepared(connection)
    except psycopg.Error as error:
        raise StoreUnusable(f"{name}: {first_line(error)}") from error
    return connection


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
