"""What one batch of events adds, gathered in memory: bot by bot and hour by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from domain import events
from domain.failure import Category
from projections.outcomes import CountedAs, counted_as
from projections.spread import Spread, class_of
from projections.usage.counts import (
    ANSWERED,
    COUNTS,
    RATE_LIMITED,
    REQUEST_COUNTS,
    RESPONSE_US,
    RETRIES,
    SUCCESSFUL,
    TELEGRAM_US,
    UNCERTAIN,
    US_PER_MS,
)
from projections.usage.descriptions import normalised
from projections.usage.heard_kept import NO_COMMAND, HeardKey
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


_none_yet = ([0] * len(REQUEST_COUNTS)).copy


class BotHour:
    """What one bot did in one hour."""

    __slots__ = ("chats", "classes", "counts", "methods")

    def __init__(self) -> None:
        self.counts = [0] * len(COUNTS)
        self.classes: Spread = {}
        self.methods: dict[str, list[int]] = defaultdict(_none_yet)
        self.chats: dict[str, list[int]] = defaultdict(_none_yet)

    def count(self, kind: int, event: events.Ended | events.AttemptFailed) -> None:
        self.counts[kind] += 1
        self.methods[event.method][kind] += 1
        if event.chat is not None:
            self.chats[event.chat][kind] += 1

    def answered(self, event: events.Ended) -> None:
        response_ms = event.queue_ms + event.telegram_ms
        counts, classes = self.counts, self.classes
        counts[ANSWERED] += 1
        counts[RESPONSE_US] += int(response_ms * US_PER_MS)
        counts[TELEGRAM_US] += int(event.telegram_ms * US_PER_MS)
        found = class_of(response_ms)
        classes[found] = classes.get(found, 0) + 1


class Batch:
    __slots__ = ("errors", "heard", "hours")

    def __init__(self) -> None:
        self.hours: dict[tuple[int, str, int], BotHour] = {}
        """By bot, tenant and hour."""
        self.errors: dict[ErrorKey, int] = {}
        """In the order in which they were first seen."""
        self.heard: dict[HeardKey, int] = {}

    def delivered(self, event: events.CommandDelivered) -> None:
        hour = self._at(event)
        hour.count(SUCCESSFUL, event)
        hour.answered(event)

    def rejected(self, event: events.CommandRejected) -> None:
        self._failed(event).answered(event)

    def not_sent(self, event: events.CommandNotSent) -> None:
        self._failed(event)

    def uncertain(self, event: events.CommandUncertain) -> None:
        self._failed(event).counts[UNCERTAIN] += 1

    def attempt_failed(self, event: events.AttemptFailed) -> None:
        hour = self._at(event)
        if event.again_at is not None:
            hour.counts[RETRIES] += 1
        if event.category is Category.RATE_LIMIT:
            hour.count(RATE_LIMITED, event)

    def update_received(self, event: events.UpdateReceived) -> None:
        at = int(event.occurred_at.timestamp())
        key = (at - at % DAY_S, event.tenant_id, event.bot_id, event.command or NO_COMMAND)
        self.heard[key] = self.heard.get(key, 0) + 1

    def _failed(self, event: events.Failed) -> BotHour:
        kind, hour = counted_as(event), self._at(event)
        hour.count(kind, event)
        key = _error(event, kind)
        self.errors[key] = self.errors.get(key, 0) + 1
        return hour

    def _at(self, event: events.Ended | events.AttemptFailed) -> BotHour:
        at = int(event.occurred_at.timestamp())
        key = (event.bot_id, event.tenant_id, at - at % HOUR_S)
        hour = self.hours.get(key)
        if hour is None:
            hour = self.hours[key] = BotHour()
        return hour


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
    events.UpdateReceived: Batch.update_received,
}
