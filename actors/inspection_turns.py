"""Whose token is looked at next: of a job that goes through all, else whoever has waited longest, a day at least."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from actors.messages import ValidationJob
from actors.ports import Clock
from actors.slot import Slot
from domain.rules.validation import Verdict, is_due, spacing_s

PUT_OFF_S = 3600.0
"""Then a bot whose token could not be judged has its turn again; the others have theirs meanwhile."""
UNSETTLED_S = 60.0
"""The others wait no longer for a turn that came to nothing."""
AT_ONCE = 100


@dataclass(slots=True)
class Job:
    by: str
    started_at: datetime
    bots: int
    left: deque[int]
    categories: Counter[str] = field(default_factory=Counter)
    ended_at: datetime | None = None

    def described(self) -> ValidationJob:
        done = self.categories.total()
        return ValidationJob(self.by, self.started_at, self.bots, done, dict(self.categories), self.ended_at)


class Turns:
    def __init__(self, slots: Mapping[int, Slot], clock: Clock, most_rps: float) -> None:
        self.job: Job | None = None
        self._slots, self._clock, self._most_rps = slots, clock, most_rps
        self._queue: deque[int] = deque()
        self._put_off: dict[int, float] = {}
        """Until when, in steady seconds."""

    @property
    def job_runs(self) -> bool:
        return self.job is not None and self.job.ended_at is None

    def begin(self, by: str) -> None:
        bots = deque(slot.bot_id for slot in self._slots.values() if slot.tenants)
        now = self._clock.utc()
        self.job = Job(by, now, len(bots), bots, ended_at=None if bots else now)

    def next(self) -> Slot | None:
        if self.job is not None and self.job.left:
            return self._slots[self.job.left.popleft()]
        if not self._queue:
            due = [slot for slot in self._slots.values() if self._is_due(slot)]
            oldest = heapq.nsmallest(AT_ONCE, due, key=lambda slot: slot.validated_at)
            self._queue.extend(slot.bot_id for slot in oldest)
        while self._queue:
            slot = self._slots[self._queue.popleft()]
            if self._is_due(slot):
                self._put_off.pop(slot.bot_id, None)
                return slot
        return None

    def back(self, slot: Slot) -> None:
        """It could not have its turn."""
        if self.job is not None and self.job_runs:
            self.job.left.appendleft(slot.bot_id)

    def had(self, slot: Slot, category: Verdict, *, is_settled: bool) -> float:
        """In how many seconds the next one is: a job goes as fast as it may, the others have the whole day."""
        if not is_settled:
            self._put_off[slot.bot_id] = self._clock.steady() + PUT_OFF_S
        if self.job is not None and self.job_runs:
            self.job.categories[category] += 1
            if not self.job.left:
                self.job.ended_at = self._clock.utc()
            return self.least_s
        spacing = spacing_s(len(self._slots), self._most_rps)
        return spacing if is_settled else max(self.least_s, min(spacing, UNSETTLED_S))

    @property
    def least_s(self) -> float:
        return 1 / self._most_rps

    def of_last_day(self) -> int:
        now = self._clock.utc().timestamp()
        return sum(bool(slot.tenants) and not is_due(slot.validated_at, now) for slot in self._slots.values())

    def _is_due(self, slot: Slot) -> bool:
        if not slot.tenants or self._put_off.get(slot.bot_id, 0.0) > self._clock.steady():
            return False
        return is_due(slot.validated_at, self._clock.utc().timestamp())
