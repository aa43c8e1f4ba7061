"""The one writer of the log, as the loop sees it: whatever waits is committed in one transaction (group commit).

It counts places, so that what was sent can always be recorded, and hears of each batch in one wake-up. The thread
behind it is in `journal_writer.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from actors.journal_writer import Append, JournalWriter
from actors.ports import Clock, Then
from domain.errors import StoreError
from domain.events import DayEvent, Event
from domain.recovery import OpenThings
from domain.store.inbox import InboxRow
from domain.store.ledger import Ledger, Snapshot

GATHERED_WITHIN_S = 0.005
GATHERED_MOST = 128
"""Updates wait so long for so many others, unless something else is recorded: Telegram does not mind, and a commit of
their own is most of what they cost."""

log = structlog.get_logger()


class Journal:
    """The `Recording` port. Every method is for the loop's thread."""

    def __init__(
        self,
        ledger: Ledger,
        opened: OpenThings,
        clock: Clock,
        max_backlog: int,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """`max_backlog`: events on their way. `committed` is called on the writer's thread after each batch."""
        self._loop = asyncio.get_running_loop()
        self._max_backlog = max_backlog
        self._taken = 0
        self._on_the_way = 0
        self._left_out = self._left_out_told = 0
        self._waits_since: float | None = None
        self._gathered: list[Append] = []
        self._handing_over: asyncio.Handle | None = None
        self._clock = clock
        self._committed = committed
        self._writer = JournalWriter.start(ledger, opened, clock, self._from_thread)

    def reserve(self) -> bool:
        if self._taken >= self._max_backlog:
            return False
        self._taken += 1
        return True

    def release(self) -> None:
        self._taken -= 1

    def takes_refusal(self) -> bool:
        # The other half is for what has begun: who is refused without end must not keep others from being sent.
        if self._taken < self._max_backlog // 2:
            return True
        self._left_out += 1
        return False

    def refusals_left_out(self) -> int:
        return self._left_out

    def waits_s(self) -> float:
        return 0.0 if self._waits_since is None else self._clock.steady() - self._waits_since

    def note(self, event: Event, then: Then | None = None, stream: str | None = None) -> None:
        self._append(Append((event,), then, stream))

    def receive(self, event: DayEvent, row: InboxRow, then: Then) -> None:
        """An update and its event, in one commit. Told 0 when it was received before."""
        self._took(Append((event,), then, inbox=row))
        if len(self._gathered) >= GATHERED_MOST:
            self._hand_over()
        elif self._handing_over is None:
            self._handing_over = self._loop.call_later(GATHERED_WITHIN_S, self._hand_over)

    def write(
        self,
        stream: str,
        after_version: int | None,
        events: Sequence[Event],
        then: Then | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        self._append(Append(events, then, stream, after_version, snapshot))

    def flush(self, then: Then) -> None:
        """Told when everything handed over before is on disk."""
        self._append(Append((), then))

    async def close(self, bound_s: float) -> bool:
        """Lets the writer finish; False when the database did not come back within `bound_s`."""
        done = asyncio.Event()
        self.flush(lambda _: done.set())
        try:
            await asyncio.wait_for(done.wait(), bound_s)
        except TimeoutError:
            return False
        self._writer.stop(block=False)
        return True

    def _append(self, append: Append) -> None:
        self._took(append)
        self._hand_over()

    def _took(self, append: Append) -> None:
        self._taken += len(append.events)
        if self._waits_since is None:
            self._waits_since = self._clock.steady()
        self._on_the_way += 1
        self._gathered.append(append)

    def _hand_over(self) -> None:
        if self._handing_over is not None:
            self._handing_over.cancel()
            self._handing_over = None
        gathered, self._gathered = self._gathered, []
        self._writer.tell(gathered)

    def _from_thread(self, results: list[tuple[Append, int | StoreError]]) -> None:
        self._committed()
        self._loop.call_soon_threadsafe(self._tell, results)

    def _tell(self, results: list[tuple[Append, int | StoreError]]) -> None:
        self._on_the_way -= len(results)
        # The next in line has waited no longer than since this batch began.
        self._waits_since = self._clock.steady() if self._on_the_way else None
        for append, result in results:
            self._taken -= len(append.events)
            if append.then is not None:
                self._told(append.then, result)
        if self._left_out > self._left_out_told and self._taken < self._max_backlog // 2:
            log.warning("refusals_left_out", count=self._left_out - self._left_out_told)
            self._left_out_told = self._left_out

    def _told(self, then: Then, result: int | StoreError) -> None:
        """Whatever one of them does, the others of its batch hear their results."""
        try:
            then(result)
        except Exception as error:  # noqa: BLE001  somebody else's, and all that waits behind it must go on
            # Without a trace: it may show what was recorded.
            log.error("result_not_taken", error=type(error).__name__)  # noqa: TRY400
