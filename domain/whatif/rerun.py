"""One command on its way through a replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from domain.failure import Category, Failure
from domain.rules.breaker import Pass
from domain.rules.gates import Call
from domain.whatif.tale import End, Tale

NONE_YET: Mapping[Category, int] = MappingProxyType({})


class Rerun:
    __slots__ = (
        "assumed", "attempts", "call", "end", "floods", "floods_below", "has_deadline", "held", "is_out", "lane",
        "maybe_executed", "retries", "tale", "waited_s",
    )  # fmt: skip

    def __init__(self, tale: Tale) -> None:
        self.tale = tale
        self.lane = tale.lane
        self.call: Call = tale.call
        self.attempts = 0
        self.retries = NONE_YET
        self.maybe_executed = False
        self.held: Pass | None = None
        self.is_out = False
        """Telegram has it."""
        self.has_deadline = False
        """Somebody will look at it when its time is over."""
        self.waited_s: float | None = None
        self.floods = self.floods_below = self.assumed = 0
        self.end: End | None = None

    @property
    def deadline(self) -> float:
        return self.tale.deadline

    @property
    def is_waiting(self) -> bool:
        return self.end is None and not self.is_out

    def goes_again(self, failure: Failure) -> None:
        self.retries = {**self.retries, failure.category: self.retries.get(failure.category, 0) + 1}
        if failure.migrate_to is not None:
            self.call = replace(self.call, chat=str(failure.migrate_to))
