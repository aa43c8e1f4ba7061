"""The file that holds all views: one writer, any number of readers, and how far each projection has come.

It is disposable. A file that is corrupt or of another schema is deleted; the log fills the new one.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from projections.projection import Projection

SCHEMA_VERSION = 3
"""Raised with every change of a table or of what a fold writes: the views then start over."""
BUSY_S = 5.0
CACHE_KIB = 32_768
CHECKPOINT_PAGES = 4_000
"""16 MB of write-ahead log: a page that many batches change is copied into the file once."""

_POSITIONS = "CREATE TABLE IF NOT EXISTS positions (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID"


class Views:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = threading.RLock()
        self._idle_readers: deque[sqlite3.Connection] = deque()
        self._closed = False
        self._writer = _opened(path)

    def prepare(self, projections: Iterable[Projection]) -> None:
        """Makes the tables that are not there; a new projection begins at position 0."""
        with self.writing() as connection:
            for projection in projections:
                for statement in projection.tables:
                    connection.execute(statement)
                connection.execute("INSERT OR IGNORE INTO positions VALUES (?, 0)", (projection.name,))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, rows and positions together. Other threads wait."""
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.commit()
            except BaseException:
                self._writer.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The views as they are at one moment, for any thread; never waits for the writer."""
        connection = self._reader()
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.rollback()
            self._idle_readers.append(connection)
            if self._closed:
                self._close_readers()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes until this ends."""
        with self._writing:
            yield

    def adopt(self, other: Path) -> None:
        """Takes over the tables and positions of another views file, in one transaction; readers see old or new."""
        with self._writing:
            self._writer.execute("ATTACH ? AS other", (str(other),))
            try:
                with self.writing() as connection:
                    _take_over(connection)
            finally:
                self._writer.execute("DETACH other")

    def start_over(self) -> None:
        """An empty file in place of this one."""
        with self._writing:
            self._writer.close()
            self._close_readers()
            delete(self.path)
            self._writer = _opened(self.path)

    def close(self) -> None:
        self._closed = True
        with self._writing:
            self._close_readers()
            self._writer.close()

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._idle_readers.pop()
        except IndexError:
            connection = _connected(self.path, "rw")
            connection.execute("PRAGMA query_only=ON")
            return connection

    def _close_readers(self) -> None:
        while self._idle_readers:
            self._idle_readers.pop().close()


def positions(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT name, position FROM positions"))


def move(connection: sqlite3.Connection, name: str, position: int) -> None:
    connection.execute("UPDATE positions SET position=? WHERE name=?", (position, name))


def delete(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not _usable(path):
        delete(path)
    connection = _connected(path, "rwc")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    connection.execute(_POSITIONS)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    return connection


def _usable(path: Path) -> bool:
    connection = _connected(path, "rw")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return bool(version == SCHEMA_VERSION and connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError:
        # A directory that cannot be written or a locked file: deleting would not help.
        raise
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def _take_over(connection: sqlite3.Connection) -> None:
    tables = connection.execute("SELECT name FROM other.sqlite_master WHERE type='table' AND name<>'positions'")
    for (table,) in tables.fetchall():
        connection.execute(f"DELETE FROM main.{table}")  # noqa: S608  a name out of our own file
        connection.execute(f"INSERT INTO main.{table} SELECT * FROM other.{table}")  # noqa: S608
    connection.execute("INSERT OR REPLACE INTO main.positions SELECT * FROM other.positions")
