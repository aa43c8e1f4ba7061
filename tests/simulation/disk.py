"""A log that survives its process, and the journal that writes to it: in its own time, sometimes not for seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random
from typing import NamedTuple, Protocol

from actors.ports import Then
from domain import bot as lives
from domain.bot import Bot
from domain.errors import StaleStream, StoreError
from domain.events import DayEvent, Event
from domain.recovery import OpenThings
from domain.store.ledger import Snapshot
from domain.store.mapper import Recorded
from domain.streams import bot_stream, day_stream
from tests.simulation.loop import Agenda, Clock, VirtualLoop
from tests.simulation.plan import Plan


class Watching(Protocol):
    def noted(self, event: Event) -> None: ...
    def committed(self, recorded: Recorded) -> None: ...
    def acknowledged(self, event: Event, position: int | None) -> None: ...


class Disk:
    def __init__(self) -> None:
        self.log: list[Recorded] = []
        self.streams: dict[str, list[Recorded]] = {}
        self.low_water = 1
        self.strangers_wrote: set[int] = set()
        """Bots to whose streams somebody else has written."""

    def append(self, stream: str, events: Sequence[Event]) -> None:
        of_stream = self.streams.setdefault(stream, [])
        for event in events:
            recorded = Recorded(len(self.log) + 1, stream, len(of_stream) + 1, event)
            self.log.append(recorded)
            of_stream.append(recorded)

    def stream(self, stream: str) -> list[Recorded]:
        return self.streams.get(stream, [])

    def bot(self, bot_id: int) -> Bot:
        bot = Bot(bot_id)
        for recorded in self.stream(bot_stream(bot_id)):
            bot = lives.evolve(bot, recorded.event)
        return bot

    def interrupted(self) -> OpenThings:
        """As the wiring reads it at a start."""
        opened = OpenThings()
        for recorded in self.log[self.low_water - 1 :]:
            opened.see(recorded.position, recorded.event, recorded.stream)
        return opened


class Append(NamedTuple):
    events: Sequence[Event]
    then: Then | None
    stream: str | None
    after_version: int | None


class SlowJournal:
    """The `Recording` port of one process."""

    def __init__(
        self,
        disk: Disk,
        opened: OpenThings,
        loop: VirtualLoop,
        agenda: Agenda,
        clock: Clock,
        chance: Random,
        plan: Plan,
        watch: Watching,
    ) -> None:
        self._disk, self._opened, self._loop, self._agenda, self._clock = disk, opened, loop, agenda, clock
        self._chance, self._faults, self._max_backlog, self._watch = chance, plan.faults, plan.max_backlog, watch
        self._pending: deque[Append] = deque()
        self._is_writing = False
        self.is_calm = False
        self.taken = 0

    def reserve(self) -> bool:
        if self.taken >= self._max_backlog:
            return False
        self.taken += 1
        return True

    def release(self) -> None:
        self.taken -= 1

    def note(self, event: DayEvent, then: Then | None = None, stream: str | None = None) -> None:
        self._append(Append((event,), then, stream or day_stream(event), None))

    def write(
        self,
        stream: str,
        after_version: int | None,
        events: Sequence[Event],
        then: Then | None = None,
        snapshot: Snapshot | None = None,  # noqa: ARG002  only a shortcut
    ) -> None:
        self._append(Append(events, then, stream, after_version))

    def flush(self, then: Then) -> None:
        self._append(Append((), then, None, None))

    def waits_s(self) -> float:
        """Nobody here asks for the state of the fleet."""
        return 0.0

    def _append(self, append: Append) -> None:
        self.taken += len(append.events)
        self._pending.append(append)
        for event in append.events:
            self._watch.noted(event)
        if not self._is_writing:
            self._begin()

    def _begin(self) -> None:
        self._is_writing = True
        batch, self._pending = self._pending, deque()
        self._agenda.after(self._takes_s(), self._loop.mine(lambda: self._write(batch)))

    def _takes_s(self) -> float:
        chance, faults = self._chance, self._faults
        drawn = chance.random()
        if not self.is_calm and drawn < faults.stalls:
            return chance.uniform(1, 20)
        if not self.is_calm and drawn < faults.stalls + faults.slow_commits:
            return chance.choice((0.1, 0.2, 1.0)) * chance.uniform(0.5, 1)
        return chance.uniform(0.001, 0.01)

    def _write(self, batch: deque[Append]) -> None:
        self._disk.low_water = self._opened.low_water(len(self._disk.log) + 1, self._clock.utc())
        results = [(append, self._written(append)) for append in batch]
        # A process can die between the commit and the moment in which it hears of it.
        self._agenda.after(self._chance.uniform(0, 0.003), self._loop.mine(lambda: self._tell(results)))

    def _written(self, append: Append) -> int | StoreError:
        disk = self._disk
        if append.stream is None:
            return 0
        if append.after_version not in (None, len(disk.stream(append.stream))):
            return StaleStream(append.stream)
        disk.append(append.stream, append.events)
        for recorded in disk.log[-len(append.events) :]:
            self._opened.see(recorded.position, recorded.event, recorded.stream)
            self._watch.committed(recorded)
        return len(disk.log)

    def _tell(self, results: list[tuple[Append, int | StoreError]]) -> None:
        if self._pending:
            self._begin()
        else:
            self._is_writing = False
        for append, result in results:
            self.taken -= len(append.events)
            for event in append.events:
                self._watch.acknowledged(event, result if isinstance(result, int) else None)
            if append.then is not None:
                append.then(result)
