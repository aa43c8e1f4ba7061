"""Flood limits as Telegram has them: so many a second for a bot and a chat, so many a minute for a group.

Who asks again before the time it was told makes that time longer. This file has no clock: `now` is an argument.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Annotated

import msgspec

PENALTY_S = 1.0
"""Added each time that somebody asks too early."""
HELD_S_MAX = 60.0
MINUTE = 60.0

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]


class Limits(msgspec.Struct, frozen=True):
    bot_rps: AtLeastOne = 30
    chat_rps: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    chat_burst: AtLeastOne = 3
    group_rpm: AtLeastOne = 20


class Window:
    """At most `count` in any `length_s` seconds."""

    __slots__ = ("_times", "length_s")

    def __init__(self, count: int, length_s: float) -> None:
        self._times: deque[float] = deque(maxlen=count)
        self.length_s = length_s

    def wait_s(self, now: float) -> float:
        if len(self._times) < (self._times.maxlen or 0):
            return 0.0
        return max(0.0, self._times[0] + self.length_s - now)

    def take(self, now: float) -> None:
        self._times.append(now)


class Burst:
    """`per_s` in the long run, and `burst` of them at once."""

    __slots__ = ("_ahead_until", "_interval_s", "_tolerance_s")

    def __init__(self, per_s: float, burst: int) -> None:
        self._interval_s = 1.0 / per_s
        self._tolerance_s = (burst - 1) * self._interval_s
        self._ahead_until = 0.0

    def wait_s(self, now: float) -> float:
        # A hair's breadth: sums of floats must not refuse who came exactly in time.
        wait = self._ahead_until - now - self._tolerance_s
        return wait if wait > 1e-9 else 0.0  # noqa: PLR2004  said above

    def take(self, now: float) -> None:
        self._ahead_until = max(self._ahead_until, now) + self._interval_s


class Gate:
    """One scope, a bot or a chat: its limits, and the time before which it was told not to come back."""

    __slots__ = ("_held_until", "_limits")

    def __init__(self, *limits: Window | Burst) -> None:
        self._limits = limits
        self._held_until = 0.0

    def wait_s(self, now: float) -> float:
        if now < self._held_until:
            self._held_until = min(self._held_until + PENALTY_S, now + HELD_S_MAX)
            return self._held_until - now
        wait = max(limit.wait_s(now) for limit in self._limits)
        if wait:
            wait = float(math.ceil(wait))
            self._held_until = now + wait
        return wait

    def take(self, now: float) -> None:
        for limit in self._limits:
            limit.take(now)


class Flood:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._bots: dict[int, Gate] = {}
        self._chats: dict[tuple[int, int], Gate] = {}

    def retry_after(self, bot_id: int, chat_id: int, now: float) -> int | None:
        """How many seconds this message has to wait, or None: it may go, and is counted."""
        gates = self._gate_of_bot(bot_id), self._gate_of_chat(bot_id, chat_id)
        wait = max(gate.wait_s(now) for gate in gates)
        if wait:
            return math.ceil(wait)
        for gate in gates:
            gate.take(now)
        return None

    def _gate_of_bot(self, bot_id: int) -> Gate:
        gate = self._bots.get(bot_id)
        if gate is None:
            gate = self._bots[bot_id] = Gate(Window(self.limits.bot_rps, 1.0))
        return gate

    def _gate_of_chat(self, bot_id: int, chat_id: int) -> Gate:
        gate = self._chats.get((bot_id, chat_id))
        if gate is None:
            burst = Burst(self.limits.chat_rps, self.limits.chat_burst)
            limits = (burst,) if chat_id > 0 else (burst, Window(self.limits.group_rpm, MINUTE))
            gate = self._chats[bot_id, chat_id] = Gate(*limits)
        return gate
