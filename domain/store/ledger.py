"""The ledger reads and writes the log: entries in, recorded events out, snapshots of lifecycle streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eventsourcing.persistence import StoredEvent

from domain.store.mapper import Entry, Recorded, from_bytes, to_bytes
from domain.store.store import Mark, Row, Store


class Snapshot(NamedTuple):
    stream: str
    version: int
    state: bytes


class Ledger:
    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, entries: Sequence[Entry], mark: Mark = lambda _: None) -> Sequence[int]:
        """Commits all in one transaction and returns their positions.

        Raises StaleStream (nothing is written) and StoreUnavailable (nothing is known to be written).
        """
        stored = [StoredEvent(stream, version, event.TOPIC, to_bytes(event)) for stream, version, event in entries]
        return self._store.insert(stored, mark)

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
        """The next events of the log, at most `limit`."""
        return [_recorded(row) for row in self._store.rows_after(after, limit)]

    def at(self, position: int) -> Recorded | None:
        found = self.read(position - 1, 1)
        return found[0] if found and found[0].position == position else None

    def stream(self, stream: str, after_version: int = 0) -> list[Recorded]:
        return [_recorded(row) for row in self._store.rows_of(stream, after_version)]

    def streams_under(self, prefix: str) -> Iterator[Recorded]:
        return map(_recorded, self._store.rows_under(prefix))

    def last_version(self, stream: str) -> int:
        return self._store.last_version(stream)

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
    return Recorded(position, stream, version, from_bytes(topic, state))
