"""What one batch of events adds, gathered in memory: by hour and method, by day and chat, by day and error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from domain import events
from domain.failure import Category
from projections.outcomes import CountedAs, counted_as
from projections.usage.classes import Classes, class_of
from projections.usage.counts import (
    ANSWERED,
    CHAT_COUNTS,
    CHAT_RATE_LIMITED,
    COUNTS,
    RATE_LIMITED,
    RESPONSE_US,
    RETRIES,
    SUCCESSFUL,
    TELEGRAM_US,
    UNCERTAIN,
    US_PER_MS,
)
from projections.usage.descriptions import normalised
from projections.usage.spans import DAY_S, HOUR_S


class ErrorKey(NamedTuple):
    day: int
    tenant_id: str
    bot_id: int
    counted_as: str
    category: str
    """Empty where no answer of Telegram's was the reason."""
    code: str
    telegram_code: int
    """0 where there is none."""
    description: str


class Counted:
    """One bot's use of one method in one hour."""

    __slots__ = ("classes", "counts")

    def __init__(self) -> None:
        self.counts = [0] * len(COUNTS)
        self.classes: Classes = {}


class Batch:
    __slots__ = ("chats", "errors", "methods")

    def __init__(self) -> None:
        self.methods: dict[tuple[str, int, int, str], Counted] = {}
        """By tenant, bot, hour and method."""
        self.chats: dict[tuple[int, str, int, str], list[int]] = {}
        """By day, tenant, bot and chat."""
        self.errors: dict[ErrorKey, int] = {}
        """In the order in which they were first seen."""

    def delivered(self, event: events.CommandDelivered) -> None:
        counted, chat = self._at(event)
        counted.counts[SUCCESSFUL] += 1
        _answered(counted, event)
        if chat is not None:
            chat[SUCCESSFUL] += 1

    def rejected(self, event: events.CommandRejected) -> None:
        _answered(self._failed(event), event)

    def not_sent(self, event: events.CommandNotSent) -> None:
        self._failed(event)

    def uncertain(self, event: events.CommandUncertain) -> None:
        self._failed(event).counts[UNCERTAIN] += 1

    def attempt_failed(self, event: events.AttemptFailed) -> None:
        counted, chat = self._at(event)
        if event.again_at is not None:
            counted.counts[RETRIES] += 1
        if event.category is Category.RATE_LIMIT:
            counted.counts[RATE_LIMITED] += 1
            if chat is not None:
                chat[CHAT_RATE_LIMITED] += 1

    def _failed(self, event: events.Failed) -> Counted:
        counted, chat = self._at(event)
        kind = counted_as(event)
        counted.counts[kind] += 1
        if chat is not None:
            chat[kind] += 1
        key = _error(event, kind)
        self.errors[key] = self.errors.get(key, 0) + 1
        return counted

    def _at(self, event: events.Ended | events.AttemptFailed) -> tuple[Counted, list[int] | None]:
        at = int(event.occurred_at.timestamp())
        key = (event.tenant_id, event.bot_id, at - at % HOUR_S, event.method)
        counted = self.methods.get(key)
        if counted is None:
            counted = self.methods[key] = Counted()
        if event.chat is None:
            return counted, None
        of_chat = (at - at % DAY_S, event.tenant_id, event.bot_id, event.chat)
        chat = self.chats.get(of_chat)
        if chat is None:
            chat = self.chats[of_chat] = [0] * len(CHAT_COUNTS)
        return counted, chat


def _answered(counted: Counted, event: events.Ended) -> None:
    response_ms = event.queue_ms + event.telegram_ms
    counts, classes = counted.counts, counted.classes
    counts[ANSWERED] += 1
    counts[RESPONSE_US] += int(response_ms * US_PER_MS)
    counts[TELEGRAM_US] += int(event.telegram_ms * US_PER_MS)
    found = class_of(response_ms)
    classes[found] = classes.get(found, 0) + 1


def _error(event: events.Failed, kind: CountedAs) -> ErrorKey:
    at = int(event.occurred_at.timestamp())
    return ErrorKey(
        at - at % DAY_S,
        event.tenant_id,
        event.bot_id,
        kind.name.lower(),
        event.category or "",
        event.code,
        event.telegram_code or 0,
        normalised(event.description),
    )


GATHERED: dict[type[events.Event], Callable[[Batch, Any], None]] = {
    events.CommandDelivered: Batch.delivered,
    events.CommandRejected: Batch.rejected,
    events.CommandNotSent: Batch.not_sent,
    events.CommandUncertain: Batch.uncertain,
    events.AttemptFailed: Batch.attempt_failed,
}
