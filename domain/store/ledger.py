"""The ledger reads and writes the log: entries in, recorded events out, snapshots of lifecycle streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from eventsourcing.persistence import StoredEvent

from domain.errors import Unreadable
from domain.store import moments
from domain.store.inbox import InboxRow
from domain.store.mapper import Entry, Recorded, from_bytes, time_of, to_bytes
from domain.store.selection import Selection, fits
from domain.store.store import Mark, Place, Row, Store

SPAN = 20_000
"""Positions that one look for a rare event goes through: some milliseconds."""


class Page(NamedTuple):
    rows: list[Row]
    reached: int
    """Up to here all has been looked at."""


class Snapshot(NamedTuple):
    stream: str
    version: int
    state: bytes


class Ledger:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.inbox = store.inbox

    def append(
        self, entries: Sequence[Entry], mark: Mark = lambda _: None, inbox: Sequence[InboxRow] = ()
    ) -> Sequence[int]:
        """Commits all in one transaction and returns their positions.

        Raises StaleStream (nothing is written) and StoreUnavailable (nothing is known to be written).
        """
        stored = [StoredEvent(stream, version, event.TOPIC, to_bytes(event)) for stream, version, event in entries]
        return self._store.insert(stored, mark, inbox)

    def positions_of(self, entries: Sequence[Entry]) -> list[int] | None:
        """Where exactly these entries stand in the log; None when one is missing or another event has its version."""
        found = []
        for stream, version, event in entries:
            stored = next(iter(self._store.rows_of(stream, version - 1)), None)
            if stored is None or stored[2:] != (version, event.TOPIC, to_bytes(event)):
                return None
            found.append(stored[0])
        return found

    def read(self, after: int, limit: int) -> list[Recorded]:
        """The next events of the log, at most `limit`, and none behind one that cannot be read.

        Raises Unreadable when that is the very next one, and StoreUnavailable.
        """
        rows = self._store.rows_after(after, limit)
        try:
            return [_recorded(row) for row in rows]
        except Unreadable as found:
            before = [_recorded(row) for row in rows if row[0] < found.position]
            if not before:
                raise
            return before

    def readable(self, after: int, limit: int) -> list[Recorded]:
        """As `read`, passing over what cannot be read: for those who only count what there is."""
        while True:
            try:
                return self.read(after, limit)
            except Unreadable as found:
                after = found.position

    def time_after(self, position: int) -> datetime | None:
        """When the next event happened, whether or not it can be read; None: there is none, or nobody can tell."""
        rows = self._store.rows_after(position, 1)
        return time_of(rows[0][4]) if rows else None

    def select(self, selection: Selection, after: int, until: int, limit: int) -> Page:
        """The next events up to `until` that are wanted, as they are stored, at most `limit`.

        There may be none, and more behind `reached`: a look is short, however rare they are.
        """
        end = min(until, after + SPAN)
        rows = self._store.select(selection, after, end, limit)
        reached = rows[-1][0] if len(rows) == limit else max(after, end)
        return Page([row for row in rows if fits(selection, row[1], row[4])], reached)

    def position_at(self, moment: datetime) -> int:
        """The last position whose event had occurred by then; 0: nothing had."""
        return moments.position_at(self._store.rows_after, self.head(), moment)

    def positions_between(self, since: datetime | None, before: datetime | None, head: int) -> tuple[int, int]:
        """After which position and up to which the events of these times are, with others at both ends."""
        return moments.bounds(self._store.rows_after, head, since, before)

    def at(self, position: int) -> Recorded | None:
        found = self.read(position - 1, 1)
        return found[0] if found and found[0].position == position else None

    def stream(self, stream: str, after_version: int = 0) -> list[Recorded]:
        return [_recorded(row) for row in self._store.rows_of(stream, after_version)]

    def streams_under(self, prefix: str) -> Iterator[Recorded]:
        return map(_recorded, self._store.rows_under(prefix))

    def back(self, first: str, before: Place, limit: int) -> list[Recorded]:
        """Of the streams from `first` on, backwards by names and versions from this place."""
        return [_recorded(row) for row in self._store.rows_back(first, before, limit)]

    def last_version(self, stream: str) -> int:
        return self._store.last_version(stream)

    def days_before(self, day: str) -> tuple[int, int]:
        """The oldest and the newest position in the streams of earlier days (yyyy-mm-dd); 0, 0: there are none."""
        return self._store.days_before(day)

    def drop_days_before(self, day: str) -> bool:
        """A part of them; whether there may be more."""
        return self._store.drop_days_before(day)

    def head(self) -> int:
        """The newest position; 0 for an empty log."""
        return self._store.head()

    def low_water(self) -> int:
        """Nothing before this position is open."""
        return self._store.low_water()

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        self._store.keep_snapshot(snapshot.stream, snapshot.version, snapshot.state)

    def snapshot(self, stream: str) -> Snapshot | None:
        found = self._store.snapshot(stream)
        return Snapshot(stream, *found) if found else None


def _recorded(row: Row) -> Recorded:
    position, stream, version, topic, state = row
    try:
        return Recorded(position, stream, version, from_bytes(topic, state))
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreadable(position, topic, error) from error
