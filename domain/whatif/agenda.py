"""What happens next: simulated time, from one event to the next."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any


class Agenda:
    __slots__ = ("_due", "_number")

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[Any, float], None], Any]] = []
        self._number = count()

    def at(self, when: float, what: Callable[[Any, float], None], about: Any = None) -> None:
        heapq.heappush(self._due, (when, next(self._number), what, about))

    def run_until(self, when: float) -> None:
        """Everything up to then, in the order of time; at the same time in the order in which it was put down."""
        due = self._due
        while due and due[0][0] <= when:
            now, _, what, about = heapq.heappop(due)
            what(about, now)
