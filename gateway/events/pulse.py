"""Beats at each commit: who waits for new events sleeps on the event loop until there are some, or until the stop."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Pulse:
    """Belongs to the running loop; only `beat` is for other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Future[None]] = set()
        self._called = False
        self._stopped = asyncio.Event()
        self.beats = 0

    def beat(self) -> None:
        """There are new events. Cheap, on the thread that committed them."""
        self.beats += 1
        if self._waiting and not self._called:
            self._called = True
            # A loop that was closed meanwhile has nobody left to tell.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def stop(self) -> None:
        """Whoever waits, now or later, waits no longer."""
        self._stopped.set()
        self._wake()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    async def until_stopped(self) -> None:
        await self._stopped.wait()

    async def after(self, beats: int, timeout_s: float) -> None:
        """Returns at the next beat after so many, at the stop, or when time is up."""
        future = self._loop.create_future()
        self._waiting.add(future)
        try:
            # The beat may have come between the caller's look at the log and the entry in the set.
            if self.beats == beats and not self.stopped:
                await asyncio.wait((future,), timeout=timeout_s)
        finally:
            self._waiting.discard(future)

    def _wake(self) -> None:
        self._called = False
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
