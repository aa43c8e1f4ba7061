"""The moments at which one limit of the fleet lets something go: one interval apart, whoever waits for them."""

from __future__ import annotations

import math
from collections.abc import Callable

from actors.ports import Clock, SharedPace, Timer, Timers

TICK_S = 0.001


class Moments:
    def __init__(
        self,
        name: str,
        rps: float,
        clock: Clock,
        timers: Timers,
        ring: Callable[[], None],
        shared: SharedPace | None = None,
    ) -> None:
        """`ring` is called once for each `wait`, when the moment has come. With `shared` each is asked for there."""
        self.interval_s = 1 / rps
        self.next_at = 0.0
        self._name, self._clock, self._timers, self._ring, self._shared = name, clock, timers, ring, shared
        self._timer: Timer | None = None
        self._is_awaited = False
        self._spare_until = -math.inf
        """A moment that was not used is still there for whoever comes within an interval."""

    def is_now(self) -> bool:
        """Whether one may go at once, where nobody waits."""
        return self._shared is None and not self._is_awaited and self._clock.steady() >= self.next_at

    def passed(self) -> None:
        """One has gone. From now, not from when it was due: a late timer must not lead to two close together."""
        self.next_at = self._clock.steady() + self.interval_s

    def wait(self) -> None:
        if self._is_awaited:
            return
        self._is_awaited = True
        if self._shared is None or self._clock.steady() < self._spare_until:
            self._spare_until = -math.inf
            self._wake_at(self.next_at)
        else:
            self._shared.reserve(self._name, self.interval_s, self._wake_at)

    def not_used(self) -> None:
        """Its moment came, and nobody went: whoever is next may go now."""
        now = self._clock.steady()
        self.next_at = now
        if self._shared is not None:
            self._spare_until = now + self.interval_s
        elif self._timer is not None:
            self._timer.cancel()
            self._timer, self._is_awaited = None, False

    def _wake_at(self, steady_s: float) -> None:
        self._timer = self._timers.at(max(steady_s, self.next_at), self._rings)

    def _rings(self) -> None:
        now = self._clock.steady()
        if now < self.next_at:
            # A loop that counts whole milliseconds rings up to one early, and at 1000/s that would be all of it.
            self._wake_at(now + TICK_S)
            return
        self._timer, self._is_awaited = None, False
        self._ring()
