"""Somebody else who writes into a log and does not come to an end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from domain.store.database import SQLITE


@contextmanager
def held_by_another(database_url: str) -> Iterator[None]:
    if database_url.startswith(SQLITE):
        with closing(sqlite3.connect(database_url.removeprefix(SQLITE), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
    else:
        with psycopg.connect(database_url) as other:
            other.execute("SELECT head FROM log FOR UPDATE")
            yield
            other.rollback()
