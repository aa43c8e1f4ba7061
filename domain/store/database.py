"""Which database a URL means. Nothing of PostgreSQL is imported before somebody wants it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote

from domain.errors import StoreUnusable
from domain.store.sqlite_database import SQLiteDatabase
from domain.store.store import Database

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
NEITHER = "must begin with sqlite:/// (and a path) or postgresql://"


def database_at(url: str) -> Database:
    """Raises StoreUnusable."""
    if url.startswith(SQLITE):
        return SQLiteDatabase(Path(unquote(url.removeprefix(SQLITE))))
    if not url.startswith(POSTGRES):
        raise StoreUnusable(f"BOTLOFT_DATABASE_URL {NEITHER}.")
    try:
        from domain.store.postgres_database import PostgresDatabase  # noqa: PLC0415  costs time and needs an extra
    except ImportError as error:
        raise StoreUnusable(f"{error}. PostgreSQL needs its driver: pip install 'botloft[postgres]'.") from error
    return PostgresDatabase(url)


def sqlite_url(path: Path) -> str:
    return SQLITE + quote(str(path))
