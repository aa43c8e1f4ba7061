"""The row of one command, and what each event adds to it. An outcome is the end: nothing after it changes the row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from domain import events
from domain.failure import Final
from projections.commands.story import OPEN, FailedAttempt

_line = msgspec.json.Encoder().encode
_OUTCOMES: dict[type[events.Ended], str] = {
    events.CommandDelivered: Final.DELIVERED.value,
    events.CommandRejected: Final.REJECTED.value,
    events.CommandNotSent: Final.NOT_SENT.value,
    events.CommandUncertain: Final.UNCERTAIN.value,
}


Told = events.CommandAccepted | events.CommandStarted | events.AttemptFailed | events.Ended


class CommandRow(msgspec.Struct):
    """Its fields in the order of the table's columns."""

    opened: int
    """The position of its first event: commands lie in the table as they came, whatever their ids."""
    command_id: str
    bot_id: int
    tenant_id: str
    method: str
    chat: str | None
    state: str = OPEN
    code: str | None = None
    category: str | None = None
    telegram_code: int | None = None
    telegram_description: str | None = None
    received_at: float | None = None
    accepted_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    attempts: int = 0
    queue_ms: float | None = None
    telegram_ms: float | None = None
    position: int = 0
    waits: str | None = None
    failures: str = ""
    """One JSON object a line."""

    def accepted(self, event: events.CommandAccepted) -> None:
        if self.received_at is None:
            self.received_at = event.received_at.timestamp()
        if self.accepted_at is None:
            self.accepted_at = event.occurred_at.timestamp()

    def started(self, event: events.CommandStarted) -> None:
        if self.received_at is None:
            self.received_at = event.received_at.timestamp()
        if self.started_at is None:
            self.started_at = event.occurred_at.timestamp()

    def attempt_failed(self, event: events.AttemptFailed) -> None:
        failed = FailedAttempt(
            at=event.occurred_at,
            attempt=event.attempt,
            category=event.category,
            description=event.description,
            telegram_code=event.telegram_code,
            again_at=event.again_at,
        )
        self.failures += f"{_line(failed).decode()}\n"
        self.attempts = max(self.attempts, event.attempt)

    def ended(self, event: events.Ended) -> None:
        self.state = _OUTCOMES[type(event)]
        self.ended_at = event.occurred_at.timestamp()
        if self.received_at is None:
            self.received_at = event.received_at.timestamp()
        self.attempts = max(self.attempts, event.attempts)
        self.queue_ms = event.queue_ms
        self.telegram_ms = event.telegram_ms
        if event.waits:
            self.waits = _line(event.waits).decode()

    def failed(self, event: events.Failed) -> None:
        self.ended(event)
        self.code = event.code
        self.category = None if event.category is None else event.category.value
        self.telegram_code = event.telegram_code
        self.telegram_description = event.description or None


TOLD: dict[type[events.Event], Callable[[CommandRow, Any], None]] = {
    events.CommandAccepted: CommandRow.accepted,
    events.CommandStarted: CommandRow.started,
    events.AttemptFailed: CommandRow.attempt_failed,
    events.CommandDelivered: CommandRow.ended,
    events.CommandRejected: CommandRow.failed,
    events.CommandNotSent: CommandRow.failed,
    events.CommandUncertain: CommandRow.failed,
}
