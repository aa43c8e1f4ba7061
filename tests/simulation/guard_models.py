"""Holds, breaker and pace of one bot as somebody computes them who only looks on: anew, and simpler."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from actors.guards import Policy
from domain import events as e
from domain.bot import Bot
from domain.failure import TREATMENT, Failure, OnBreaker
from domain.rules.breaker import Phase
from domain.rules.pacing import is_group
from tests.simulation.loop import START_S
from tests.simulation.telegram import Arrived

A_MOMENT_S = 1e-6
"""Floats, and event times that are whole microseconds."""
GIVEN_UP = "no answer, and no word of it"
CHAT_BURST = 3
LATE_START_S = 0.25
"""What was dispatched longer ago is dispatched anew when its start is on disk."""
NOON_S = datetime.fromisoformat("2026-07-01T12:00:00+00:00").timestamp()


def steady(utc: datetime) -> float:
    return START_S + utc.timestamp() - NOON_S


@dataclass
class BreakerModel:
    policy: Policy
    phase: Phase = Phase.CLOSED
    epoch: int = 0
    failures: int = 0
    open_until: float = -math.inf
    left_in: dict[str, int] = field(default_factory=dict)
    """The epoch of each command's last call."""
    probes: dict[str, float] = field(default_factory=dict)
    """Calls out while half-open, and until when each is waited for."""
    probe: str = ""
    """The last command that went half-open; what another one brings back is late."""
    last_failure: str = ""
    unexplained: bool = False
    """It has opened; the command that did it is about to end."""

    def restarted(self, bot: Bot) -> None:
        self.__init__(self.policy)  # type: ignore[misc]  # as new
        if bot.breaker_forced:
            self.phase = Phase.FORCED
        elif bot.breaker_open_until is not None:
            self.phase, self.open_until = Phase.OPEN, steady(bot.breaker_open_until)

    def dispatched(self, command_id: str) -> None:
        self.probe = command_id

    def left(self, command_id: str, dispatched_at: float, now: float) -> Iterator[str]:
        if self.phase in (Phase.OPEN, Phase.FORCED):
            yield f"{command_id} leaves while the breaker is {self.phase}"
        if self.phase is Phase.HALF_OPEN:
            out = [one for one, until in self.probes.items() if now < until - A_MOMENT_S and one != command_id]
            if out:
                yield f"{command_id} is a second probe beside {out}"
            self.probe = command_id
            self.probes[command_id] = dispatched_at + self.policy.breaker.probe_timeout_s
        self.left_in[command_id] = self.epoch

    def noted(self, event: e.Event, now: float) -> Iterator[str]:
        match event:
            case e.BreakerOpened():
                self.unexplained = True
                self.open_until = steady(event.until)
                if abs(self.open_until - now - self.policy.breaker.cooldown_s) > A_MOMENT_S:
                    yield "opened for another time than the policy's"
            case e.BreakerHalfOpened():
                if self.phase is not Phase.OPEN or now < self.open_until - A_MOMENT_S:
                    yield f"half-open from {self.phase}, {self.open_until - now} s too early"
                self._becomes(Phase.HALF_OPEN)
            case e.BreakerClosed():
                self._becomes(Phase.CLOSED)
            case e.BreakerForced():
                self._becomes(Phase.FORCED)
            case e.BotRemoved() | e.BotRegistered() if self.phase is not Phase.FORCED:
                self._becomes(Phase.CLOSED)
            case e.AttemptFailed() if event.again_at is None:
                self.last_failure = event.command_id
            case e.Ended():
                yield from self._ended(event)
            case _:
                pass

    def _ended(self, event: e.Ended) -> Iterator[str]:
        counts = self.left_in.pop(event.command_id, -1) == self.epoch and self.phase is not Phase.FORCED
        is_late = self.phase is Phase.HALF_OPEN and self.probe != event.command_id
        self.probes.pop(event.command_id, None)
        opens = False
        if isinstance(event, e.CommandDelivered):
            self.failures = 0 if counts and not is_late else self.failures
        elif isinstance(event, e.Failed) and event.category is not None and counts:
            final = self.last_failure == event.command_id or event.description.startswith(GIVEN_UP)
            on_breaker = TREATMENT[event.category].on_breaker if final else OnBreaker.NOTHING
            if on_breaker is OnBreaker.COUNTS and is_late:
                on_breaker = OnBreaker.NOTHING
            self.failures += on_breaker is OnBreaker.COUNTS
            opens = on_breaker is OnBreaker.OPENS or (
                on_breaker is OnBreaker.COUNTS
                and (self.failures >= self.policy.breaker.failures or self.phase is Phase.HALF_OPEN)
            )
        if opens != self.unexplained:
            yield f"{event.command_id} should {'' if opens else 'not '}have opened the breaker"
        if self.unexplained:
            self._becomes(Phase.OPEN)

    def _becomes(self, phase: Phase) -> None:
        self.phase, self.epoch, self.failures, self.unexplained = phase, self.epoch + 1, 0, False
        self.probes.clear()


class HoldsModel:
    def __init__(self) -> None:
        self.until: dict[str, float] = {}
        self._last_chat: tuple[str, float] = ("", -math.inf)

    def restarted(self, log: Iterable[e.Event]) -> None:
        """What the log has of them holds in the next process too."""
        self.__init__()  # type: ignore[misc]  # as new
        for event in log:
            if isinstance(event, e.HoldPlaced):
                self.until[event.scope] = max(self.until.get(event.scope, 0.0), steady(event.until))

    def came(self, call: Arrived, answer: Failure, now: float, *, is_heard: bool) -> None:
        """`is_heard`: the bot has an actor that hears it now."""
        scope = f"method:{call.method}" if call.chat is None else f"chat:{call.chat}"
        if call.chat is not None and is_heard:
            last, at = self._last_chat
            if last not in ("", call.chat) and now - at <= 1:
                scope = "bot"
            self._last_chat = (call.chat, now)
        self.until[scope] = max(self.until.get(scope, 0.0), now + answer.retry_after_s)

    def left(self, call: Arrived, now: float) -> Iterator[str]:
        for scope in ("bot", f"chat:{call.chat}" if call.chat is not None else f"method:{call.method}"):
            if now < self.until.get(scope, 0.0) - A_MOMENT_S:
                yield f"{call.command_id} leaves into {scope}, held for {self.until[scope] - now:.3f} s more"


class PaceModel:
    def __init__(self, policy: Policy) -> None:
        self._policy = policy.pace
        self._not_before = -math.inf
        self._slowed: tuple[float, float] | None = None
        self._chats: dict[str, deque[float]] = {}
        self._calls: deque[float] = deque(maxlen=40)

    def restarted(self) -> None:
        self._not_before, self._slowed = -math.inf, None
        self._chats.clear()
        self._calls.clear()

    def flooded(self, now: float) -> None:
        self._slowed = (max((self._rps(now) or 25.0) / 2, 0.5), now)

    def dispatched(self, command_id: str, chat: str | None, now: float) -> Iterator[str]:
        if now < self._not_before - A_MOMENT_S:
            yield f"{command_id} is dispatched {self._not_before - now:.4f} s before the bot's pace allows it"
        rps = self._rps(now)
        self._not_before = now + 1 / rps if rps else now
        if chat is None:
            return
        times = self._chats.setdefault(chat, deque(maxlen=200))
        times.append(now)
        rate = self._policy.chat_rps
        if rate and len(times) > CHAT_BURST and now - times[-CHAT_BURST - 1] < 1 / rate - A_MOMENT_S:
            yield f"{command_id}: four in {now - times[-CHAT_BURST - 1]:.4f} s into chat {chat}"
        a_minute = sum(at > now - 60 + A_MOMENT_S for at in times)
        if self._policy.group_rpm and is_group(chat) and a_minute > self._policy.group_rpm:
            yield f"{command_id}: {a_minute} in a minute into group {chat}"

    def left(self, command_id: str, now: float) -> Iterator[str]:
        """What Telegram sees: as dispatched, but for the moment that a start may take to be recorded."""
        self._calls.append(now)
        a_second = sum(at > now - 1 + A_MOMENT_S for at in self._calls)
        if self._policy.bot_rps and a_second > self._policy.bot_rps * (1 + LATE_START_S) + 1:
            yield f"{command_id}: {a_second} calls in a second"

    def _rps(self, now: float) -> float:
        own = self._policy.bot_rps
        if self._slowed is None:
            return own
        regained = self._slowed[0] + max(0, math.floor((now - self._slowed[1]) / 10))
        if not own:
            return regained if regained < 25 else 0
        return min(own, regained)
