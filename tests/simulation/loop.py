"""One agenda for everything that happens at a time, and an event loop that runs on it: no thread, no real clock."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from tests.examples import NOON

START_S = 1000.0


class Clock:
    """Moved by the agenda alone."""

    def __init__(self) -> None:
        self.now = START_S

    def utc(self) -> datetime:
        return NOON + timedelta(seconds=self.now - START_S)

    def steady(self) -> float:
        return self.now


class Due:
    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Agenda:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Due]] = []
        self._number = count()

    def at(self, when: float, callback: Callable[[], None]) -> Due:
        due = Due(callback)
        heapq.heappush(self._due, (max(when, self._clock.now), next(self._number), due))
        return due

    def after(self, seconds: float, callback: Callable[[], None]) -> Due:
        return self.at(self._clock.now + seconds, callback)

    def step(self) -> bool:
        """The next due thing happens at its time; False: there is none."""
        while self._due:
            when, _, due = heapq.heappop(self._due)
            if due.callback is not None:
                self._clock.now = when
                due.callback()
                return True
        return False

    def next(self) -> float | None:
        while self._due and self._due[0][2].callback is None:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None


class VirtualLoop:
    """As much of a loop as the actors and coroutines of one process need; with the process all of it dies."""

    def __init__(self, agenda: Agenda, clock: Clock, chance: Random, late_s: float) -> None:
        """`late_s`: how late a timer may ring."""
        self._agenda, self._clock, self._chance, self._late_s = agenda, clock, chance, late_s
        self._ready: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()
        self._tasks: list[asyncio.Task[Any]] = []
        self.is_dead = False

    def run_ready(self) -> None:
        """All that can happen without time passing."""
        while self._ready and not self.is_dead:
            callback, args = self._ready.popleft()
            callback(*args)

    def die(self) -> None:
        self.is_dead = True
        self._ready.clear()
        for task in self._tasks:
            if not task.done():
                task.get_coro().close()

    def mine(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Only while the process lives."""
        return lambda: None if self.is_dead else callback()

    def at(self, steady_s: float, callback: Callable[[], None]) -> Due:
        """The `Timers` port."""
        late = self._chance.random() * self._late_s if self._late_s else 0.0
        return self._agenda.at(steady_s + late, self.mine(callback))

    def call_soon(self, callback: Callable[..., object], *args: Any, context: object = None) -> Any:  # noqa: ARG002
        self._ready.append((callback, args))

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> Any:  # noqa: ARG002
        """A thread that reads the disk: it takes a moment."""
        future = self.create_future()

        def done() -> None:
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001  as an executor does
                future.set_exception(error)

        self._agenda.after(self._chance.uniform(0.0005, 0.02), self.mine(done))
        return future

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)  # type: ignore[arg-type]  # as much of a loop as it needs

    def create_task(self, coro: Coroutine[Any, Any, Any], **_: object) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self)  # type: ignore[arg-type]  # as much of a loop as it needs
        self._tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.is_dead:
            raise AssertionError(context.get("message"))
