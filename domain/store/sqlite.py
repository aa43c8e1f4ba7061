"""The log in one SQLite file, through the recorder of the eventsourcing library.

Positions come from an AUTOINCREMENT key, so deleting the newest rows never gives their numbers out again. Every commit
waits for the disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from eventsourcing.domain import EventSourcingError
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
)

from domain.errors import StaleStream, StoreUnavailable, StoreUnusable
from domain.store import sqlite_data_keys, sqlite_inbox
from domain.store.inbox import InboxRow
from domain.store.selection import Dialect, Selection, conditions
from domain.store.sqlite_data_keys import SQLiteDataKeys
from domain.store.sqlite_inbox import SQLiteInbox
from domain.store.store import Mark, Place, Row

VERSION = 2
LOCK_TIMEOUT_S = 2
DROPPED_AT_ONCE = 2000
NO_ANSWER = (EventSourcingError, sqlite3.Error)
"""A closed pool is no PersistenceError, and a new connection's first statements raise what SQLite raises."""
DIALECT = Dialect(mark="?", contains="instr(state, ?) > 0")


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=FULL")
        return connection


class _Recorder(SQLiteApplicationRecorder):
    """Overrides the library's private `_insert_events`, so that the low-water mark commits with the events."""

    def __init__(self, datastore: SQLiteDatastore) -> None:
        super().__init__(datastore, "events")
        self.insert_events_statement = (
            "INSERT INTO events (originator_id, originator_version, topic, state) VALUES (?,?,?,?)"
        )

    def construct_create_table_statements(self) -> list[str]:
        return [
            # Named rowid, as the library's own queries call it.
            "CREATE TABLE IF NOT EXISTS events (rowid INTEGER PRIMARY KEY AUTOINCREMENT, originator_id TEXT NOT NULL, "
            "originator_version INTEGER NOT NULL, topic TEXT NOT NULL, state BLOB NOT NULL, "
            "UNIQUE (originator_id, originator_version))",
            "CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, position INTEGER NOT NULL)",
            # Only the newest of each stream is worth keeping: any other can be folded again.
            "CREATE TABLE IF NOT EXISTS snapshots "
            "(stream TEXT PRIMARY KEY, version INTEGER NOT NULL, state BLOB NOT NULL)",
            sqlite_data_keys.TABLE,
            *sqlite_inbox.TABLES,
            f"PRAGMA user_version={VERSION}",
        ]

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        positions = super()._insert_events(c, stored_events)
        mark = kwargs["mark"](positions)
        if mark is not None:
            c.execute("INSERT OR REPLACE INTO marks VALUES ('low_water', ?)", (mark,))
        c.executemany(sqlite_inbox.PUT, kwargs["inbox"])
        return positions


class SQLiteStore:
    """Raises StoreUnusable when the file cannot be opened or written, or a newer Botloft made it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.datastore = SQLiteDatastore(str(path), originator_id_type="text")
            self.datastore.pool = _Pool(db_name=path.absolute().as_uri(), lock_timeout=LOCK_TIMEOUT_S)
            self.events = _Recorder(self.datastore)
            self.inbox = SQLiteInbox(self.reading, self.writing)
            self.data_keys = SQLiteDataKeys(self.reading, self.writing)
            with self.datastore.transaction(commit=False) as cursor:
                cursor.execute("PRAGMA user_version")
                version = int(cursor.fetchone()[0])
            # Logs from before there were versions have 0. What is missing is made.
            if version < VERSION:
                self.events.create_table()
        except (OSError, *NO_ANSWER) as error:
            raise StoreUnusable(f"{path}: {error}. Is the directory there and writable?") from error
        if version > VERSION:
            self.close()
            raise StoreUnusable(f"{path} was made by a newer Botloft. Run that one, or use another BOTLOFT_STATE_DIR.")

    def insert(self, stored: Sequence[StoredEvent], mark: Mark, inbox: Sequence[InboxRow] = ()) -> Sequence[int]:
        """One transaction. Raises StaleStream when a version is taken, StoreUnavailable when the file says no."""
        try:
            return self.events.insert_events(stored, mark=mark, inbox=inbox) or ()
        except IntegrityError as error:
            raise StaleStream from error
        except NO_ANSWER as error:
            raise StoreUnavailable(str(error)) from error

    def rows_after(self, position: int, limit: int) -> list[Row]:
        return self._rows("rowid>? ORDER BY rowid LIMIT ?", (position, limit))

    def select(self, selection: Selection, after: int, until: int, limit: int) -> list[Row]:
        """The next rows up to `until`, at most `limit`; `selection.fits` has the last word on each."""
        where, parameters = conditions(selection, DIALECT)
        return self._rows(f"rowid>? AND rowid<=?{where} ORDER BY rowid LIMIT ?", (after, until, *parameters, limit))

    def rows_of(self, stream: str, after_version: int) -> list[Row]:
        return self._rows(
            "originator_id=? AND originator_version>? ORDER BY originator_version", (stream, after_version)
        )

    def rows_under(self, prefix: str) -> list[Row]:
        after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return self._rows("originator_id>=? AND originator_id<? ORDER BY rowid", (prefix, after))

    def rows_back(self, first: str, before: Place, limit: int) -> list[Row]:
        return self._rows(
            "originator_id>=? AND (originator_id, originator_version)<(?, ?) "
            "ORDER BY originator_id DESC, originator_version DESC LIMIT ?",
            (first, *before, limit),
        )

    def days_before(self, day: str) -> tuple[int, int]:
        """The oldest and the newest position in the streams of earlier days; 0, 0: there are none."""
        with self.reading() as cursor:
            cursor.execute(
                "SELECT MIN(rowid), MAX(rowid) FROM events WHERE originator_id>='d/' AND originator_id<?",
                (f"d/{day}/",),
            )
            first, last = cursor.fetchone()
            return int(first or 0), int(last or 0)

    def drop_days_before(self, day: str) -> bool:
        """A part of them, so that nobody who records waits for long; whether there may be more."""
        with self.writing() as cursor:
            cursor.execute(
                "DELETE FROM events WHERE rowid IN "
                "(SELECT rowid FROM events WHERE originator_id>='d/' AND originator_id<? LIMIT ?)",
                (f"d/{day}/", DROPPED_AT_ONCE),
            )
            cursor.execute("SELECT changes()")
            return int(cursor.fetchone()[0]) == DROPPED_AT_ONCE

    def last_version(self, stream: str) -> int:
        with self.reading() as cursor:
            cursor.execute("SELECT MAX(originator_version) FROM events WHERE originator_id=?", (stream,))
            return int(cursor.fetchone()[0] or 0)

    def keep_snapshot(self, stream: str, version: int, state: bytes) -> None:
        with self.writing() as cursor:
            cursor.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (stream, version, state))

    def snapshot(self, stream: str) -> tuple[int, bytes] | None:
        with self.reading() as cursor:
            cursor.execute("SELECT version, state FROM snapshots WHERE stream=?", (stream,))
            row = cursor.fetchone()
            return (int(row[0]), bytes(row[1])) if row else None

    def head(self) -> int:
        with self.reading() as cursor:
            cursor.execute("SELECT MAX(rowid) FROM events")
            return int(cursor.fetchone()[0] or 0)

    def low_water(self) -> int:
        with self.reading() as cursor:
            cursor.execute("SELECT position FROM marks WHERE name='low_water'")
            row = cursor.fetchone()
            return int(row[0]) if row else 1

    def prepare(self, today: date) -> None:
        """A file has room for every day."""

    def room_until(self, today: date) -> None:
        del today

    @contextmanager
    def reading(self) -> Iterator[SQLiteCursor]:
        try:
            with self.datastore.transaction(commit=False) as cursor:
                yield cursor
        except NO_ANSWER as error:
            raise StoreUnavailable(str(error)) from error

    @contextmanager
    def writing(self) -> Iterator[SQLiteCursor]:
        try:
            with self.datastore.transaction(commit=True) as cursor:
                yield cursor
        except NO_ANSWER as error:
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        self.datastore.close()

    def _rows(self, where: str, parameters: tuple[object, ...]) -> list[Row]:
        with self.reading() as cursor:
            cursor.execute(
                f"SELECT rowid, originator_id, originator_version, topic, state FROM events WHERE {where}",  # noqa: S608  ours alone
                parameters,
            )
            return [tuple(row) for row in cursor.fetchall()]
