"""The only real clock and timers; everything else is given them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime


class SystemClock:
    def utc(self) -> datetime:
        return datetime.now(UTC)

    def steady(self) -> float:
        return time.monotonic()


class LoopTimers:
    """On the running loop, whose clock is the steady one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # uvloop counts from a moment of its own, and in whole milliseconds.
        self._ahead_s = self._loop.time() - time.monotonic()

    def at(self, steady_s: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return self._loop.call_at(steady_s + self._ahead_s, callback)
