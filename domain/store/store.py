"""What ledger, vault and wiring ask of a store, whatever database it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol

from eventsourcing.persistence import StoredEvent

from domain.store.data_keys import DataKeys
from domain.store.inbox import Inbox, InboxRow
from domain.store.selection import Selection

Row = tuple[int, str, int, str, bytes]
"""position, stream, version, topic, state"""
Place = tuple[str, int]
"""stream, version"""
Mark = Callable[[Sequence[int]], int | None]
"""Given the positions just inserted, the low-water mark to commit with them (None: leave it)."""


class Store(Protocol):
    """Positions rise by one in the order of commits, so no reader skips any. All of it may raise StoreUnavailable."""

    @property
    def inbox(self) -> Inbox: ...

    @property
    def data_keys(self) -> DataKeys: ...

    def insert(self, stored: Sequence[StoredEvent], mark: Mark, inbox: Sequence[InboxRow] = ()) -> Sequence[int]:
        """One transaction. Raises StaleStream when a version is taken, or an update of the inbox is there already."""

    def rows_after(self, position: int, limit: int) -> list[Row]: ...

    def select(self, selection: Selection, after: int, until: int, limit: int) -> list[Row]:
        """The next rows up to `until`, at most `limit`; `selection.fits` has the last word on each."""

    def rows_of(self, stream: str, after_version: int) -> list[Row]: ...

    def rows_under(self, prefix: str) -> list[Row]:
        """Of all streams whose names start so, in the order of the log."""

    def rows_back(self, first: str, before: Place, limit: int) -> list[Row]:
        """Of the streams from `first` on, backwards by names and versions from this place."""

    def days_before(self, day: str) -> tuple[int, int]:
        """The oldest and the newest position in the streams of earlier days; 0, 0: there are none."""

    def drop_days_before(self, day: str) -> bool:
        """A part of them, so that nobody who records waits for long; whether there may be more."""

    def last_version(self, stream: str) -> int: ...

    def head(self) -> int: ...

    def low_water(self) -> int: ...

    def keep_snapshot(self, stream: str, version: int, state: bytes) -> None: ...

    def snapshot(self, stream: str) -> tuple[int, bytes] | None: ...

    def prepare(self, today: date) -> None:
        """Makes room for the events of the days ahead, where a store needs that."""

    def room_until(self, today: date) -> date | None:
        """The last day from today on whose events have room; None: there is room for all."""

    def close(self) -> None: ...


class Owner(Protocol):
    """One process owns the bots of a database for as long as it holds this."""

    def check(self) -> None:
        """Takes it again where it was lost. Raises AlreadyOwned when another has it, StoreUnavailable: ask later."""

    def release(self) -> None: ...


class Database(Protocol):
    name: str
    """For people: without a password."""

    def owned_by(self, holder: str) -> Owner:
        """`holder` is what a second process is told. Raises AlreadyOwned, StoreUnusable."""

    def opened(self) -> Store:
        """Raises StoreUnusable: it cannot be reached, or its schema is not ours."""

    def reader(self) -> Store:
        """For reading alone, beside whoever owns it. Raises StoreUnusable."""

    def migrate(self, today: date, *, dry_run: bool) -> list[str]:
        """Brings the schema to where it should be, and says how; empty: nothing to do. Raises StoreUnusable."""
