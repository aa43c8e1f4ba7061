"""The tables of the log in PostgreSQL, made by `botloft migrate`, and a partition of it for every day.

Streams of days lie in a partition a day, so that a day is dropped as a whole; lifecycles lie in one below and one above
them. There is no default partition: it would have to be searched whenever another is made or detached.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta

from domain.errors import StoreUnusable
from domain.store import postgres_data_keys, postgres_inbox
from domain.store.postgres_connecting import ADVISORY, SCHEMA_LOCK, Connection

VERSION = 2
AHEAD = timedelta(days=7)
BEHIND = timedelta(days=1)
DAY = timedelta(days=1)
DAYS, LAST_DAY = "d/", "d/9999-01-01"
TABLES = (
    "CREATE TABLE schema_version (version integer NOT NULL)",
    'CREATE TABLE events (originator_id text COLLATE "C" NOT NULL, originator_version bigint NOT NULL, '
    "topic text NOT NULL, state bytea NOT NULL, notification_id bigint NOT NULL, "
    "PRIMARY KEY (originator_id, originator_version)) PARTITION BY RANGE (originator_id)",
    "CREATE INDEX events_notification_id ON events (notification_id)",
    f"CREATE TABLE events_below PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('{DAYS}')",
    f"CREATE TABLE events_above PARTITION OF events FOR VALUES FROM ('{LAST_DAY}') TO (MAXVALUE)",
    # One row. Whoever writes holds it until the commit, so positions rise in the order of commits.
    "CREATE TABLE log (head bigint NOT NULL, low_water bigint NOT NULL) WITH (fillfactor = 10)",
    "INSERT INTO log VALUES (0, 1)",
    "CREATE TABLE snapshots (stream text PRIMARY KEY, version bigint NOT NULL, state bytea NOT NULL)",
    postgres_data_keys.TABLE,
    *postgres_inbox.TABLES,
    f"INSERT INTO schema_version VALUES ({VERSION})",  # noqa: S608  a number of ours
)
UPGRADES = {1: (*postgres_inbox.TABLES, "INSERT INTO schema_version VALUES (2)")}
"""From each version to the next."""
PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass('events')"


def migrated(connection: Connection, today: date, *, dry_run: bool) -> list[str]:
    """The statements that were, or would be, run. One at a time, whoever else migrates. Raises StoreUnusable."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (ADVISORY, SCHEMA_LOCK))
        version = version_of(connection)
        if version > VERSION:
            raise StoreUnusable(NEWER)
        statements = [*_steps_from(version), *_partitions_of(_missing(connection, days_around(today)))]
        for statement in () if dry_run else statements:
            connection.execute(statement.encode())
        return statements


def _steps_from(version: int) -> list[str]:
    if version == 0:
        return list(TABLES)
    return [step for older in range(version, VERSION) for step in UPGRADES[older]]


def make_partitions(connection: Connection, days: Iterable[date]) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (ADVISORY, SCHEMA_LOCK))
        for statement in _partitions_of(_missing(connection, days)):
            connection.execute(statement.encode())


def drop_first_before(connection: Connection, day: date) -> bool:
    """The oldest partition of an earlier day; whether there may be more."""
    old = sorted(name for name in _names(connection) if _name(date.min) <= name < _name(day))
    for name in old[:1]:
        connection.execute(f"ALTER TABLE events DETACH PARTITION {name}".encode())
        connection.execute(f"DROP TABLE {name}".encode())
    return len(old) > 1


def check_version(connection: Connection) -> None:
    """Raises StoreUnusable."""
    version = version_of(connection)
    if version > VERSION:
        raise StoreUnusable(NEWER)
    if version == 0:
        raise StoreUnusable("This database has no tables of Botloft yet. Run `botloft migrate`.")
    if version < VERSION:
        raise StoreUnusable("This database was made by an older Botloft. Run `botloft migrate`.")


NEWER = "This database was made by a newer Botloft. Run that one, or use another BOTLOFT_DATABASE_URL."


def version_of(connection: Connection) -> int:
    """0: nothing of ours is there."""
    (table,) = connection.execute("SELECT to_regclass('schema_version')").fetchone() or (None,)
    if table is None:
        return 0
    (version,) = connection.execute("SELECT max(version) FROM schema_version").fetchone() or (None,)
    return int(version or 0)


def room_until(connection: Connection, today: date) -> date:
    """The last of the days from today on that have a partition without a gap; yesterday: not even today has."""
    there, day = _names(connection), today
    while _name(day) in there:
        day += DAY
    return day - DAY


def days_around(today: date) -> list[date]:
    """Yesterday too: its commands still end today."""
    first, last = today - BEHIND, today + AHEAD
    return [first + n * DAY for n in range((last - first).days + 1)]


def days_of(streams: Iterable[str]) -> set[date]:
    """Those that want a partition of their own."""
    found = set()
    for stream in streams:
        if DAYS <= stream < LAST_DAY:
            with suppress(ValueError):
                found.add(date.fromisoformat(stream.split("/")[1]))
    return found


def _missing(connection: Connection, days: Iterable[date]) -> list[date]:
    there = _names(connection)
    return [day for day in sorted(days) if _name(day) not in there]


def _names(connection: Connection) -> set[str]:
    return {name for (name,) in connection.execute(PARTITIONS)}


def _partitions_of(days: Iterable[date]) -> list[str]:
    """Attached when it is there: that keeps readers and writers waiting less than to make it inside of its table."""
    statements = []
    for day in days:
        values = f"FROM ('{DAYS}{day}') TO ('{DAYS}{day + DAY}')"
        statements += [
            f"CREATE TABLE {_name(day)} (LIKE events INCLUDING ALL)",
            f"ALTER TABLE events ATTACH PARTITION {_name(day)} FOR VALUES {values}",
        ]
    return statements


def _name(day: date) -> str:
    return f"events_d{day:%Y%m%d}"
