"""Faults: what may go wrong, which calls it strikes and how often. Chance is an argument."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Literal

import msgspec

Kind = Literal[
    "status",
    "flood",
    "latency",
    "close_before",
    "close_after",
    "reset_before",
    "reset_after",
    "hang_before",
    "hang_after",
    "malformed",
    "truncated",
    "html",
    "lost_ok",
]

WITHOUT_EFFECT = {"status", "flood", "close_before", "reset_before", "hang_before"}
"""The call is not executed; every other kind executes it and spoils the answer."""


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    kind: Kind
    fault_id: int = 0
    bot_id: int | None = None
    method: str | None = None
    chat_id: int | None = None
    times: int | None = 1
    """None: until it is removed."""
    probability: float = 1.0
    status: int = 500
    retry_after: int = 1
    latency_ms: float = 0.0
    description: str | None = None
    with_parameters: bool = True
    struck: int = 0

    def concerns(self, bot_id: int, method: str, chat_id: int | None) -> bool:
        return (
            (self.times is None or self.struck < self.times)
            and self.bot_id in {None, bot_id}
            and self.method in {None, method}
            and self.chat_id in {None, chat_id}
        )


class Struck(msgspec.Struct, frozen=True):
    latency_ms: float = 0.0
    fault: Fault | None = None

    @property
    def kind(self) -> str | None:
        if self.fault is not None:
            return self.fault.kind
        return "latency" if self.latency_ms else None


UNHARMED = Struck()


class Faults:
    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self.by_id: dict[int, Fault] = {}

    def add(self, fault: Fault) -> int:
        fault.fault_id = next(self._ids)
        self.by_id[fault.fault_id] = fault
        return fault.fault_id

    def remove(self, fault_id: int) -> bool:
        return self.by_id.pop(fault_id, None) is not None

    def clear(self) -> None:
        self.by_id.clear()

    def strike(self, bot_id: int, method: str, chat_id: int | None, draw: Callable[[], float]) -> Struck:
        """The oldest fault of each sort that concerns this call: one delay, and one that spoils it."""
        if not self.by_id:
            return UNHARMED
        delay: Fault | None = None
        spoiler: Fault | None = None
        for fault in self.by_id.values():
            taken = delay if fault.kind == "latency" else spoiler
            if taken is not None or not fault.concerns(bot_id, method, chat_id) or draw() >= fault.probability:
                continue
            fault.struck += 1
            if fault.kind == "latency":
                delay = fault
            else:
                spoiler = fault
        if delay is None and spoiler is None:
            return UNHARMED
        return Struck(sum(fault.latency_ms for fault in (delay, spoiler) if fault is not None), spoiler)
