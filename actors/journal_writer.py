"""The thread that writes the log.

It drains its inbox, gives the events of day streams their versions, splits a batch that a stale stream spoils, and
tries again for as long as the database is away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate, count
from typing import Any, ClassVar, NamedTuple, TypeVar

import pykka
import structlog

from actors.ports import Clock, Then
from actors.repeats import Repeats
from domain.errors import StaleStream, StoreError, StoreUnavailable
from domain.events import DayEvent, Event
from domain.recovery import OpenThings
from domain.store.inbox import InboxRow
from domain.store.ledger import Ledger, Snapshot
from domain.store.mapper import Entry
from domain.streams import day_stream

MAX_BATCH = 1000
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)
VERSIONS_KEPT = 50_000

T = TypeVar("T")

log = structlog.get_logger()


class Append(NamedTuple):
    """`stream` None: each event goes into its day's stream. `after_version` None: at the next version."""

    events: Sequence[Event]
    then: Then | None
    stream: str | None = None
    after_version: int | None = None
    snapshot: Snapshot | None = None
    inbox: InboxRow | None = None
    """Committed with the events; where this update was received before, nothing is."""


class JournalWriter(pykka.ThreadingActor):
    # A daemon: when the database is away for good, a process told to stop must be able to end. Nothing that was
    # acknowledged is lost by that, and a drain has waited for the rest.
    use_daemon_thread: ClassVar[bool] = True

    def __init__(
        self, ledger: Ledger, opened: OpenThings, clock: Clock, deliver: Callable[[list[tuple[Append, Any]]], None]
    ) -> None:
        super().__init__()
        self._ledger = ledger
        self._open = opened
        self._clock = clock
        self._deliver = deliver
        self._repeats = Repeats(ledger.inbox)
        self._versions: dict[str, int] = {}
        self._asleep = threading.Event()

    def on_receive(self, message: list[Append]) -> None:
        self._deliver(self._committed([*message, *self._waiting()]))

    def _waiting(self) -> list[Append]:
        found: list[Append] = []
        while len(found) < MAX_BATCH and not self.actor_inbox.empty():
            envelope = self.actor_inbox.get()
            if not isinstance(envelope.message, list):
                # Pykka's stop request: it takes its turn when this batch is done.
                self.actor_inbox.put(envelope)
                break
            found += envelope.message
        return found

    def _committed(self, batch: list[Append]) -> list[tuple[Append, int | StoreError]]:
        """Each with its last position, or StaleStream. Returns when the database has said one or the other.

        Position 0: there was nothing to record, for an update that was received before too.
        """
        batch, again = self._without_repeats(batch)
        entries = [self._entries(append) for append in batch]
        flat = [entry for of_one in entries for entry in of_one]
        inbox = [append.inbox for append in batch if append.inbox is not None]
        positions = self._insists(lambda: self._positions(flat, inbox))
        if positions is None:
            self._versions.clear()
            if len(batch) == 1 and batch[0].after_version is not None:
                return [(batch[0], StaleStream(flat[0].stream)), *again]
            # One stale stream fails alone; the others, and what goes to the next version anyway, one by one.
            return [*(result for append in batch for result in self._committed([append])), *again]
        for position, entry in zip(positions, flat, strict=True):
            self._open.see(position, entry.event, entry.stream)
        self._keep_snapshots(batch)
        ends = accumulate(len(of_one) for of_one in entries)
        return [*((append, positions[end - 1] if end else 0) for append, end in zip(batch, ends, strict=True)), *again]

    def _without_repeats(self, batch: list[Append]) -> tuple[list[Append], list[tuple[Append, int | StoreError]]]:
        """What is new, and the updates that Telegram has brought again."""
        brought = [append.inbox.key for append in batch if append.inbox is not None]
        if not brought:
            return batch, []
        seen = self._insists(lambda: self._repeats.among(brought))
        new: list[Append] = []
        again: list[tuple[Append, int | StoreError]] = []
        for append in batch:
            row = append.inbox
            if row is not None and row.key in seen:
                again.append((append, 0))
                continue
            if row is not None:
                seen.add(row.key)
            new.append(append)
        return new, again

    def _positions(self, entries: list[Entry], inbox: list[InboxRow]) -> Sequence[int] | None:
        """Where they stand in the log now; None when a version was taken."""
        try:
            return self._ledger.append(entries, self._low_water, inbox) if entries else ()
        except StaleStream:
            # After a lost acknowledgement our own events are in the way: then all is well.
            return self._ledger.positions_of(entries)

    def _insists(self, work: Callable[[], T]) -> T:
        """Waits for as long as the database is away."""
        for failures in count():
            try:
                return work()
            except StoreUnavailable as error:
                log.warning("journal_waits", reason=str(error), failures=failures + 1)
                self._asleep.wait(RETRY_S[min(failures, len(RETRY_S) - 1)])
        raise AssertionError  # count() has no end

    def _low_water(self, positions: Sequence[int]) -> int:
        # What was open before this batch: never too late a position, and right even if the commit fails.
        return self._open.low_water(positions[0], self._clock.utc())

    def _entries(self, append: Append) -> list[Entry]:
        if append.stream is not None and append.after_version is not None:
            return [Entry(append.stream, append.after_version + n, event) for n, event in enumerate(append.events, 1)]
        return [self._next_entry(append.stream, event) for event in append.events]

    def _next_entry(self, stream: str | None, event: Event) -> Entry:
        if stream is None:
            assert isinstance(event, DayEvent)  # noqa: S101  what else is there has a stream of its own
            stream = day_stream(event)
        version = self._versions.get(stream)
        if version is None:
            if len(self._versions) >= VERSIONS_KEPT:
                self._versions.clear()
            version = self._insists(lambda: self._ledger.last_version(stream))
        self._versions[stream] = version + 1
        return Entry(stream, version + 1, event)

    def _keep_snapshots(self, batch: list[Append]) -> None:
        for append in batch:
            if append.snapshot is not None:
                with suppress(StoreUnavailable):  # the stream says the same, only slower
                    self._ledger.keep_snapshot(append.snapshot)
