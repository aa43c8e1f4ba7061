"""A bot's waiting commands, a lane a chat: a lane leaves in its order, and no lane waits for another.

Every step costs the same however many wait: a lane is ready, asleep until a time, or busy with a call of its own.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Generic, Protocol, TypeVar


class Waits(Protocol):
    @property
    def lane(self) -> str: ...


Waiting = TypeVar("Waiting", bound=Waits)


class Lanes(Generic[Waiting]):
    __slots__ = ("_asleep", "_busy", "_number", "_ready", "_sleeping", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Waiting]] = {}
        self._ready: dict[str, None] = {}
        self._sleeping: dict[str, float] = {}
        self._asleep: list[tuple[float, int, str]] = []
        self._busy: set[str] = set()
        self._number = count()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def join(self, ticket: Waiting) -> None:
        self._waiting.setdefault(ticket.lane, deque()).append(ticket)
        self._make_ready(ticket.lane)

    def has_before(self, ticket: Waiting) -> bool:
        """Whether others of its chat have to go first."""
        return ticket.lane in self._waiting or ticket.lane in self._busy

    def come_back(self, ticket: Waiting, until: float) -> None:
        """It was on its way and has to wait until then, before all others of its lane."""
        self._busy.discard(ticket.lane)
        self._waiting.setdefault(ticket.lane, deque()).appendleft(ticket)
        self._sleep(ticket.lane, until)

    def head(self) -> Waiting | None:
        """The command to look at next."""
        lane = next(iter(self._ready), None)
        return None if lane is None else self._waiting[lane][0]

    def head_leaves(self) -> None:
        """Its lane is busy until `free` or `come_back`."""
        ticket = self._pop_head()
        self._busy.add(ticket.lane)

    def head_ends(self) -> None:
        """It will not leave; the next of its lane is looked at."""
        self._make_ready(self._pop_head().lane)

    def head_sleeps(self, until: float) -> None:
        self._sleep(next(iter(self._ready)), until)

    def first(self, ticket: Waiting) -> bool:
        """It is looked at before all others; False: others of its lane come before it, or it sleeps until a time."""
        lane = ticket.lane
        is_head = lane not in self._busy and self._waiting.get(lane, (None,))[0] is ticket
        if not is_head or self._sleeping.get(lane, math.inf) < math.inf:
            return False
        self._sleeping.pop(lane, None)
        self._ready = {lane: None, **self._ready}
        return True

    def free(self, lane: str) -> None:
        self._busy.discard(lane)
        self._make_ready(lane)

    def busy(self, lane: str) -> None:
        """Taken over from a predecessor: a call of this lane is on its way."""
        self._busy.add(lane)

    def remove(self, ticket: Waiting) -> None:
        waiting = self._waiting.get(ticket.lane)
        if waiting is None or ticket not in waiting:
            return
        was_head = waiting[0] is ticket
        waiting.remove(ticket)
        if not waiting:
            del self._waiting[ticket.lane]
            self._ready.pop(ticket.lane, None)
            self._sleeping.pop(ticket.lane, None)
        elif was_head and self._sleeping.pop(ticket.lane, None) is not None:
            # What it slept for may not concern the next one.
            self._make_ready(ticket.lane)

    def waiting(self) -> list[Waiting]:
        """All of them: ready, asleep and behind others."""
        return [ticket for lane in self._waiting.values() for ticket in lane]

    def wake(self, now: float) -> None:
        """Lanes whose time has come are ready again."""
        while self._asleep and self._asleep[0][0] <= now:
            until, _, lane = heapq.heappop(self._asleep)
            if self._sleeping.get(lane) == until:
                del self._sleeping[lane]
                self._make_ready(lane)

    def rouse(self, is_for: Callable[[Waiting], bool]) -> None:
        """Lanes whose first command is such a one are looked at now, however long they were to sleep."""
        for lane in [lane for lane in self._sleeping if is_for(self._waiting[lane][0])]:
            del self._sleeping[lane]
            self._make_ready(lane)

    def next_wake(self) -> float:
        """Infinity when no lane sleeps."""
        while self._asleep and self._sleeping.get(self._asleep[0][2]) != self._asleep[0][0]:
            heapq.heappop(self._asleep)
        return self._asleep[0][0] if self._asleep else math.inf

    def _pop_head(self) -> Waiting:
        lane = next(iter(self._ready))
        del self._ready[lane]
        waiting = self._waiting[lane]
        ticket = waiting.popleft()
        if not waiting:
            del self._waiting[lane]
        return ticket

    def _make_ready(self, lane: str) -> None:
        if lane in self._waiting and lane not in self._busy and lane not in self._sleeping:
            self._ready.setdefault(lane)

    def _sleep(self, lane: str, until: float) -> None:
        """Infinity: until it is `first`."""
        self._ready.pop(lane, None)
        self._sleeping[lane] = until
        if until < math.inf:
            heapq.heappush(self._asleep, (until, next(self._number), lane))
