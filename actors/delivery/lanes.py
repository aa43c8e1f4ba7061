"""One bot's updates in lanes: of a lane one goes at a time, in the order of ids; lanes go side by side."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from itertools import count

from domain.store.inbox import InboxRow


@dataclass(slots=True, order=True)
class Waiting:
    update_id: int
    received_at: float = field(compare=False)
    attempts: int = field(default=0, compare=False)
    cause: str | None = field(default=None, compare=False)
    again: float = field(default=0.0, compare=False)
    """Steady seconds."""


class Lanes:
    """Every lane with something in it is ready, out, or at rest after a failure. Times are steady seconds."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        """In a lane, or taken and not settled yet."""
        self._waiting: dict[str, list[Waiting]] = {}
        """Heaps."""
        self._ready: deque[str] = deque()
        self._resting: list[tuple[float, int, str]] = []
        self._number = count()

    def add(self, row: InboxRow) -> None:
        if row.update_id in self.known:
            return
        self.known.add(row.update_id)
        if row.lane not in self._waiting:
            self._waiting[row.lane] = []
            self._ready.append(row.lane)
        heapq.heappush(self._waiting[row.lane], Waiting(row.update_id, row.received_at))

    def next(self) -> tuple[str, Waiting] | None:
        """Out it goes; its lane comes back by `left` or `rests`."""
        if not self._ready:
            return None
        lane = self._ready.popleft()
        return lane, self._waiting[lane][0]

    def left(self, lane: str, one: Waiting) -> None:
        """A lower id may have come in front of it meanwhile."""
        waiting = self._waiting[lane]
        if waiting[0] is one:
            heapq.heappop(waiting)
        else:
            waiting.remove(one)
            heapq.heapify(waiting)
        if waiting:
            self._ready.append(lane)
        else:
            del self._waiting[lane]

    def rests(self, lane: str, until: float) -> None:
        heapq.heappush(self._resting, (until, next(self._number), lane))

    def rested(self, now: float) -> float | None:
        """Wakes whose time has come; when the next one's does."""
        while self._resting and self._resting[0][0] <= now:
            self._ready.append(heapq.heappop(self._resting)[2])
        return self._resting[0][0] if self._resting else None

    def wake(self, first: int = 0, last: int | None = None) -> None:
        """Those at rest whose next update is in this range."""
        still = []
        for resting in self._resting:
            update_id = self._waiting[resting[2]][0].update_id
            if first <= update_id and (last is None or update_id <= last):
                self._ready.append(resting[2])
            else:
                still.append(resting)
        self._resting = still
        heapq.heapify(still)

    def failed(self) -> list[Waiting]:
        return [one for waiting in self._waiting.values() for one in waiting if one.attempts]
