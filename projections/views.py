"""The file that holds all views: one writer, any number of readers, and how far each projection has come.

It is disposable. A file that is corrupt or of another schema is deleted; the log fills the new one.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from projections.moments import moment
from projections.projection import Projection
from projections.state import Pause

SCHEMA_VERSION = 4
"""Raised with every change of a table or of what a fold writes: the views then start over."""
BUSY_S = 5.0
CACHE_KIB = 32_768
CHECKPOINT_PAGES = 4_000
"""16 MB of write-ahead log: a page that many batches change is copied into the file once."""

_OF_THE_RUNNER = {
    "positions": "(name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID",
    "paused": "(name TEXT PRIMARY KEY, reason TEXT NOT NULL, by_whom TEXT NOT NULL, since REAL NOT NULL) WITHOUT ROWID",
}
"""Beside the tables of the projections. A rebuilt view brings its position and nothing else of these."""
_FILES = ("", "-wal", "-shm")
Identity = tuple[tuple[int, int] | None, ...]
"""Which files these are, whatever their names."""


class Readable(Protocol):
    """Views to ask questions of: those of now, or of an earlier moment."""

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """As they are at one moment."""


class Views:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = threading.RLock()
        self._idle_readers: deque[sqlite3.Connection] = deque()
        self._closed = False
        self._writer = _opened(path)
        self._identity = _identity(path)

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
        # These may be changed for new ones meanwhile, with the file that they read.
        idle = self._idle_readers
        connection = self._reader(idle)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.rollback()
            idle.append(connection)
            if self._closed or idle is not self._idle_readers:
                _close(idle)

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

    def copy_to(self, path: Path, statements: Sequence[tuple[str, tuple[float, ...]]]) -> None:
        """Runs these with a new file attached as `copy`: fast, and worth nothing before it has ended."""
        with self._writing:
            self._writer.execute("ATTACH ? AS copy", (f"{path.absolute().as_uri()}?mode=rwc",))
            try:
                self._writer.execute("PRAGMA copy.journal_mode=OFF")
                self._writer.execute("PRAGMA copy.synchronous=OFF")
                for statement, parameters in statements:
                    self._writer.execute(statement, parameters)
            finally:
                self._writer.execute("DETACH copy")

    def is_in_place(self) -> bool:
        """Whether what lies under the file's name is still what we write into."""
        return _identity(self.path) == self._identity

    def reopen(self) -> None:
        """Whatever lies there now; a new file where that is none of ours."""
        with self._writing:
            self._leave()
            self._writer = _opened(self.path)
            self._identity = _identity(self.path)

    def start_over(self) -> None:
        """An empty file in place of this one."""
        with self._writing:
            self._leave()
            delete(self.path)
            self.reopen()

    def close(self) -> None:
        self._closed = True
        with self._writing:
            self._leave()

    def _leave(self) -> None:
        self._writer.close()
        idle, self._idle_readers = self._idle_readers, deque()
        _close(idle)

    def _reader(self, idle: deque[sqlite3.Connection]) -> sqlite3.Connection:
        try:
            return idle.pop()
        except IndexError:
            connection = _connected(self.path, "rw")
            connection.execute("PRAGMA query_only=ON")
            return connection


def _close(readers: deque[sqlite3.Connection]) -> None:
    with suppress(IndexError):  # another thread may take the last one
        while True:
            readers.pop().close()


def indexed_by(connection: sqlite3.Connection, table: str, index: str) -> str:
    """The hint, unless an earlier moment is asked about: there a view stands in front of the table."""
    in_front = connection.execute("SELECT 1 FROM temp.sqlite_master WHERE name=?", (table,)).fetchone()
    return "" if in_front else f"INDEXED BY {index}"


def positions(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT name, position FROM positions"))


def move(connection: sqlite3.Connection, name: str, position: int) -> None:
    connection.execute("UPDATE positions SET position=? WHERE name=?", (position, name))


def pauses(connection: sqlite3.Connection) -> dict[str, Pause]:
    rows = connection.execute("SELECT name, reason, by_whom, since FROM paused")
    return {name: Pause(reason, by, moment(float(since))) for name, reason, by, since in rows}


def keep_pauses(connection: sqlite3.Connection, found: Mapping[str, Pause]) -> None:
    """These and no others."""
    connection.execute("DELETE FROM paused")
    rows = [(name, pause.reason, pause.by, pause.since.timestamp()) for name, pause in found.items()]
    connection.executemany("INSERT INTO paused VALUES (?, ?, ?, ?)", rows)


def delete(path: Path) -> None:
    for suffix in _FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _identity(path: Path) -> Identity:
    return tuple(_number_of(path.with_name(path.name + suffix)) for suffix in _FILES)


def _number_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not _usable(path):
        delete(path)
    connection = _connected(path, "rwc")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    for name, columns in _OF_THE_RUNNER.items():
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} {columns}")
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
    tables = connection.execute("SELECT name FROM other.sqlite_master WHERE type='table'").fetchall()
    for table in {name for (name,) in tables} - _OF_THE_RUNNER.keys():
        connection.execute(f"DELETE FROM main.{table}")  # noqa: S608  a name out of our own file
        connection.execute(f"INSERT INTO main.{table} SELECT * FROM other.{table}")  # noqa: S608
    connection.execute("INSERT OR REPLACE INTO main.positions SELECT * FROM other.positions")
