"""Who waits for a view to reach a position. Waiters sleep on their own event loop; the runner's thread wakes them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

Reached = Callable[[str | None], int]
"""How far one projection is; None: all of them."""


class Waiters:
    def __init__(self, reached: Reached) -> None:
        self._reached = reached
        self._lock = threading.Lock()
        self._waiting: dict[asyncio.Future[None], tuple[int, str | None]] = {}

    async def wait(self, position: int, of: str | None, timeout_s: float) -> bool:
        if self._reached(of) >= position:
            return True
        future = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting[future] = (position, of)
        try:
            # The runner may have come there between the first look and the entry in the list.
            if self._reached(of) >= position:
                return True
            # It does not cancel what it waits for, so only the release below ever ends this future.
            done, _ = await asyncio.wait((future,), timeout=timeout_s)
            return bool(done)
        finally:
            with self._lock:
                self._waiting.pop(future, None)

    def release(self) -> None:
        """For the runner's thread, after each commit."""
        if not self._waiting:
            return
        with self._lock:
            due = [future for future, (position, of) in self._waiting.items() if self._reached(of) >= position]
            for future in due:
                del self._waiting[future]
        for future in due:
            # A loop that was closed meanwhile has nobody left to tell.
            with suppress(RuntimeError):
                future.get_loop().call_soon_threadsafe(future.set_result, None)
