"""When the next open command of a bot runs out of time."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from itertools import count

from actors.slot import Stage, Ticket

SPARE = 64


class Deadlines:
    __slots__ = ("_heap", "_number")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Ticket]] = []
        self._number = count()

    def add(self, ticket: Ticket, at: float) -> None:
        heapq.heappush(self._heap, (at, next(self._number), ticket))

    def passed(self, now: float) -> Iterator[Ticket]:
        """Each open ticket whose time has come, once."""
        while self._heap and self._heap[0][0] <= now:
            ticket = heapq.heappop(self._heap)[2]
            if ticket.stage is not Stage.DONE:
                yield ticket

    def next(self) -> float:
        """Infinity when there is none."""
        while self._heap and self._heap[0][2].stage is Stage.DONE:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def forget_done(self, still_open: int) -> None:
        """Most commands end long before their deadline; what they leave behind is swept when it outweighs the rest."""
        if len(self._heap) > 2 * still_open + SPARE:
            self._heap = [entry for entry in self._heap if entry[2].stage is not Stage.DONE]
            heapq.heapify(self._heap)
