"""What actors need from outside, so narrow that a test can put a manual clock or a scripted Telegram in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from actors.callbacks import Callbacks
from actors.messages.delivery import Notify
from actors.messages.system import ClearAlert, RaiseAlert
from domain.bot import Bot
from domain.errors import StoreError
from domain.events import DayEvent, Event
from domain.failure import Answer
from domain.rules.tokens import Token
from domain.store.inbox import InboxRow
from domain.store.ledger import Snapshot


class Clock(Protocol):
    def utc(self) -> datetime:
        """For the record."""

    def steady(self) -> float:
        """For every decision: seconds that no clock change can move."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class Timers(Protocol):
    def at(self, steady_s: float, callback: Callable[[], None]) -> Timer: ...


Then = Callable[[int | StoreError], None]
"""Told the position of the last event once it is on disk, or why it is not there."""


Arrived = Callable[[int], None]
"""Told for which bot, of each new update once it is on disk."""


class Recording(Protocol):
    """The journal, as seen from the loop."""

    def reserve(self) -> bool:
        """A place for one event that must not be lost; False: the backlog is full, start nothing new."""

    def release(self) -> None: ...

    def takes_refusal(self) -> bool:
        """Whether there is room for the refusal of a command of which the log knows nothing; False is counted."""

    def refusals_left_out(self) -> int:
        """How often there was none, since the process started."""

    def waits_s(self) -> float:
        """How long the oldest event has been on its way to the disk; 0: none is."""

    def note(self, event: Event, then: Then | None = None, stream: str | None = None) -> None:
        """At the next version, into this stream, or where none is named into the day's of the event's bot."""

    def receive(self, event: DayEvent, row: InboxRow, then: Then) -> None:
        """An update and its event, in one commit. `then` is told 0 when it was received before."""

    def flush(self, then: Then) -> None:
        """`then` is told when everything handed over before is on disk."""

    def write(
        self,
        stream: str,
        after_version: int | None,
        events: Sequence[Event],
        then: Then | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        """Into a lifecycle stream; StaleStream where somebody else has written after `after_version`.

        None: at the next version, whatever stands there.
        """


class SharedPace(Protocol):
    """Where the processes of one fleet agree on who goes when."""

    storage: str
    is_shared: bool
    """False while it is away: then each process goes at its own pace."""

    def reserve(self, name: str, interval_s: float, then: Callable[[float], None]) -> None:
        """The next moment of this limit is this process's: `then` is told which, in steady seconds, and always soon."""


class Upload(NamedTuple):
    """A file among the parameters of a call."""

    name: str
    content: bytes


class Calling(Protocol):
    """Telegram."""

    async def ask(self, token: Token, method: str, parameters: Mapping[str, object], timeout_s: float) -> Answer:
        """One HTTP call."""

    async def close(self) -> None:
        """For the supervisor alone; what is still out comes back as lost."""

    def call(
        self,
        token: Token,
        method: str,
        parameters: Mapping[str, object],
        timeout_s: float,
        then: Callable[[Answer], None],
    ) -> None:
        """The same beside the mailbox. `then` is always told, exactly once."""


@dataclass(frozen=True, slots=True)
class Ports:
    clock: Clock
    timers: Timers
    journal: Recording
    telegram: Calling
    jitter: Callable[[], float]
    """Anywhere in [0, 1)."""
    seal: Callable[[str, str, bytes], bytes]
    """What must be kept, for this tenant and this purpose. Raises StoreError."""
    followed: Callable[[Bot], None] = lambda _: None
    """Told what a bot is, whenever a change of its life is on disk."""
    callbacks: Callbacks = field(default_factory=Callbacks)
    notify: Callable[[Notify], None] = lambda _: None
    """Tells a tenant."""
    alert: Callable[[RaiseAlert | ClearAlert], None] = lambda _: None
    """Tells the operator."""

    def utc_of(self, steady_s: float) -> datetime:
        """The wall-clock time that a steady one stands for, as things are now."""
        return self.clock.utc() + timedelta(seconds=steady_s - self.clock.steady())

    def steady_of(self, utc: datetime) -> float:
        return self.clock.steady() + (utc - self.clock.utc()).total_seconds()
