"""One timer for everything that a bot waits for: it rings at the earliest, and then it is asked again."""

from __future__ import annotations

import math
from collections.abc import Callable

from actors.ports import Timer, Timers


class Alarm:
    __slots__ = ("_at", "_ring", "_timer", "_timers")

    def __init__(self, timers: Timers, ring: Callable[[], None]) -> None:
        self._timers = timers
        self._ring = ring
        self._timer: Timer | None = None
        self._at = math.inf

    def set(self, at: float) -> None:
        """Never later than it is set to; it may ring too early."""
        if at < self._at:
            self.cancel()
            self._at, self._timer = at, self._timers.at(at, self._ring)

    def went_off(self) -> None:
        self._at, self._timer = math.inf, None

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._at, self._timer = math.inf, None
