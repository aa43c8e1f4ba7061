"""The log in PostgreSQL, through the recorder of the eventsourcing library.

Whoever writes holds the one row of `log` from its first statement to its commit. So positions rise by one in the order
of commits and a reader never passes over a gap, without the library's lock of the table: ANALYZE, VACUUM and DELETE
would wait for that one, and writers for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
from eventsourcing.domain import EventSourcingError
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.postgres import ConnectionPool, PostgresApplicationRecorder, PostgresDatastore
from psycopg.errors import CheckViolation
from psycopg.rows import tuple_row

from domain.errors import StaleStream, StoreUnavailable, StoreUnusable
from domain.store import postgres_inbox
from domain.store import postgres_schema as schema
from domain.store.inbox import InboxRow
from domain.store.postgres_connecting import TIMEOUT_S, connected, first_line, prepared
from domain.store.postgres_data_keys import PostgresDataKeys
from domain.store.postgres_inbox import PostgresInbox
from domain.store.selection import Dialect, Selection, conditions
from domain.store.store import Mark, Place, Row

CONNECTIONS = 4
RECONNECT_S = 0.5
"""Then the pool gives up, and whoever asks next has it try again: it would wait longer and longer otherwise."""
NO_ANSWER = (EventSourcingError, psycopg.Error)
ROWS = "SELECT notification_id, originator_id, originator_version, topic, state FROM events WHERE "
DIALECT = Dialect(mark="%s", contains="position(%s::bytea in state) > 0")
HEAD = "UPDATE log SET head = %s, low_water = coalesce(%s, low_water)"
INSERT = (
    "WITH inserted AS (INSERT INTO events (notification_id, originator_id, originator_version, topic, state) "
    "SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %b::bytea[]) RETURNING 1) "
    "SELECT count(*) FROM inserted"
)


class NoPartition(StoreUnavailable):
    """The event store has no partition for a stream, and could make none."""


class _Recorder(PostgresApplicationRecorder):
    """Replaces the library's way to insert: one array a column, and positions from the row that serialises writers.

    Without the library's retries: the journal waits by itself, and looks whether a commit went through after all.
    """

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        mark: Mark = kwargs["mark"]
        columns = (
            [one.originator_id for one in stored_events],
            [one.originator_version for one in stored_events],
            [one.topic for one in stored_events],
            [one.state for one in stored_events],
        )
        with self.datastore.get_connection() as connection, connection.pipeline(), connection.transaction():
            head = _value(connection.execute("SELECT head FROM log FOR UPDATE"))
            positions = list(range(head + 1, head + len(stored_events) + 1))
            connection.execute(HEAD, (head + len(stored_events), mark(positions)))
            # Asked for the count, so that a version that is taken is told here and not at the commit.
            assert _value(connection.execute(INSERT, (positions, *columns))) == len(stored_events)  # noqa: S101
            if kwargs["inbox"]:
                connection.execute(postgres_inbox.PUT, [list(column) for column in zip(*kwargs["inbox"], strict=True)])
        return positions


class PostgresStore:
    """Raises StoreUnusable when the server cannot be reached or the schema is not ours."""

    def __init__(self, conninfo: str, name: str) -> None:
        self._conninfo, self.name = conninfo, name
        with connected(conninfo, name) as connection:
            try:
                schema.check_version(connection)
            except psycopg.Error as error:
                raise StoreUnusable(f"{name}: {first_line(error)}") from error
        # The library takes its parts one by one; the pool is ours, so that a URL can say all that libpq understands.
        self.datastore = PostgresDatastore("", "", "", "", "", originator_id_type="text")
        self.datastore.pool = ConnectionPool(
            conninfo,
            kwargs={"row_factory": tuple_row},
            min_size=1,
            max_size=CONNECTIONS,
            open=False,
            configure=prepared,
            check=ConnectionPool.check_connection,
            timeout=TIMEOUT_S,
            reconnect_timeout=RECONNECT_S,
        )
        try:
            self.events = _Recorder(self.datastore, events_table_name="events")
            self.inbox = PostgresInbox(self.reading, self.writing)
            self.data_keys = PostgresDataKeys(self.reading, self.writing)
        except NO_ANSWER as error:
            self.close()
            raise StoreUnusable(f"{name}: {first_line(error)}") from error

    def insert(self, stored: Sequence[StoredEvent], mark: Mark, inbox: Sequence[InboxRow] = ()) -> Sequence[int]:
        if not stored:
            return ()
        try:
            return self._insert(stored, mark, inbox)
        except NoPartition:
            # A clock that jumped, or events of another time: no reason to stand still for ever.
            self._make_partitions(schema.days_of(str(one.originator_id) for one in stored))
            return self._insert(stored, mark, inbox)

    def rows_after(self, position: int, limit: int) -> list[Row]:
        return self._all(ROWS + "notification_id > %s ORDER BY notification_id LIMIT %s", (position, limit))

    def select(self, selection: Selection, after: int, until: int, limit: int) -> list[Row]:
        where, parameters = conditions(selection, DIALECT)
        return self._all(
            f"{ROWS}notification_id > %s AND notification_id <= %s{where} ORDER BY notification_id LIMIT %s",
            (after, until, *parameters, limit),
        )

    def rows_of(self, stream: str, after_version: int) -> list[Row]:
        where = "originator_id = %s AND originator_version > %s ORDER BY originator_version"
        return self._all(ROWS + where, (stream, after_version))

    def rows_under(self, prefix: str) -> list[Row]:
        after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        where = "originator_id >= %s AND originator_id < %s ORDER BY notification_id"
        return self._all(ROWS + where, (prefix, after))

    def rows_back(self, first: str, before: Place, limit: int) -> list[Row]:
        # The second bound says the same for whoever chooses partitions.
        where = (
            "originator_id >= %s AND originator_id <= %s AND (originator_id, originator_version) < (%s, %s) "
            "ORDER BY originator_id DESC, originator_version DESC LIMIT %s"
        )
        return self._all(ROWS + where, (first, before[0], *before, limit))

    def days_before(self, day: str) -> tuple[int, int]:
        ((first, last),) = self._all(
            "SELECT min(notification_id), max(notification_id) FROM events "
            "WHERE originator_id >= 'd/' AND originator_id < %s",
            (f"d/{day}/",),
        )
        return int(first or 0), int(last or 0)

    def drop_days_before(self, day: str) -> bool:
        """A partition: detached and dropped as a whole, which takes milliseconds however much is in it."""
        with self.writing() as cursor:
            return schema.drop_first_before(cursor.connection, date.fromisoformat(day))

    def last_version(self, stream: str) -> int:
        ((found,),) = self._all("SELECT max(originator_version) FROM events WHERE originator_id = %s", (stream,))
        return int(found or 0)

    def head(self) -> int:
        ((head,),) = self._all("SELECT head FROM log")
        return int(head)

    def low_water(self) -> int:
        ((low_water,),) = self._all("SELECT low_water FROM log")
        return int(low_water)

    def keep_snapshot(self, stream: str, version: int, state: bytes) -> None:
        self._run(
            "INSERT INTO snapshots VALUES (%s, %s, %s) "
            "ON CONFLICT (stream) DO UPDATE SET version = excluded.version, state = excluded.state",
            (stream, version, state),
        )

    def snapshot(self, stream: str) -> tuple[int, bytes] | None:
        found = self._all("SELECT version, state FROM snapshots WHERE stream = %s", (stream,))
        return found[0] if found else None

    def prepare(self, today: date) -> None:
        self._make_partitions(schema.days_around(today))

    def room_until(self, today: date) -> date:
        with self.reading() as cursor:
            return schema.room_until(cursor.connection, today)

    @contextmanager
    def reading(self) -> Iterator[psycopg.Cursor[Any]]:
        try:
            with self.datastore.cursor() as cursor:
                yield cursor
        except NO_ANSWER as error:
            raise StoreUnavailable(first_line(error)) from error

    @contextmanager
    def writing(self) -> Iterator[psycopg.Cursor[Any]]:
        try:
            with self.datastore.transaction(commit=True) as cursor:
                yield cursor
        except NO_ANSWER as error:
            raise StoreUnavailable(first_line(error)) from error

    def close(self) -> None:
        self.datastore.close()

    def _insert(self, stored: Sequence[StoredEvent], mark: Mark, inbox: Sequence[InboxRow]) -> Sequence[int]:
        try:
            return self.events.insert_events(stored, mark=mark, inbox=inbox)
        except IntegrityError as error:
            if isinstance(error.__cause__, CheckViolation):
                raise NoPartition(first_line(error)) from error
            raise StaleStream from error
        except NO_ANSWER as error:
            raise StoreUnavailable(first_line(error)) from error

    def _make_partitions(self, days: Sequence[date] | set[date]) -> None:
        with self.writing() as cursor:
            schema.make_partitions(cursor.connection, days)

    def _all(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        with self.reading() as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    def _run(self, query: str, parameters: tuple[object, ...]) -> None:
        with self.writing() as cursor:
            cursor.execute(query.encode(), parameters)


def _value(cursor: psycopg.Cursor[Any]) -> int:
    row = cursor.fetchone()
    return int(row[0]) if row else 0
