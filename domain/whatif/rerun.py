"""One command on its way through a replay."""

from __future__ import annotations

from domain.failure import Category, Failure
from domain.rules.breaker import Pass
from domain.rules.gates import Call
from domain.whatif.tales import End, Tale


class Rerun:
    __slots__ = (
        "assumed", "attempts", "call", "chat", "deadline", "end", "floods", "floods_below", "has_deadline", "held",
        "is_out", "lane", "maybe_executed", "retries", "tale", "waited_s",
    )  # fmt: skip

    def __init__(self, tale: Tale) -> None:
        self.tale = tale
        self.lane = f"chat:{tale.chat}" if tale.chat is not None else tale.command_id
        self.chat = tale.chat
        self.deadline = tale.arrived + tale.deadline_s
        self.call = self._as_call()
        self.attempts = 0
        self.retries: dict[Category, int] = {}
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
    def is_waiting(self) -> bool:
        return self.end is None and not self.is_out

    def goes_again(self, failure: Failure) -> None:
        self.retries[failure.category] = self.retries.get(failure.category, 0) + 1
        if failure.migrate_to is not None:
            self.chat = str(failure.migrate_to)
            self.call = self._as_call()

    def _as_call(self) -> Call:
        tale = self.tale
        return Call(tale.method.name, self.chat, self.deadline, tale.patient, tale.method.cosmetic)
