"""What is counted of one bot, and what each event does to it.

Every outcome is exactly one of successful, failed, rejected or not sent; uncertain ones are among the failed.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import msgspec

from domain import events
from domain.rules import health
from domain.rules.breaker import Phase
from projections.health import latency, minutes
from projections.outcomes import CountedAs, counted_as


class Tally(msgspec.Struct):
    """The row of one bot, its fields in the order of the table's columns."""

    bot_id: int
    tenant_id: str
    successful: int = 0
    failed: int = 0
    rejected: int = 0
    not_sent: int = 0
    uncertain: int = 0
    retries: int = 0
    average_ms: float | None = None
    last_success: float | None = None
    last_failure: float | None = None
    consecutive_failures: int = 0
    hold_until: float = 0.0
    suspended: int = 0
    breaker: str = Phase.CLOSED.value
    newest_minute: int = 0
    minutes: array[int] = msgspec.field(default_factory=minutes.empty_ring)
    latencies: array[int] = msgspec.field(default_factory=lambda: array("I"))

    def delivered(self, event: events.CommandDelivered) -> None:
        at = event.occurred_at.timestamp()
        self.successful += 1
        self.consecutive_failures = 0
        self.last_success = at
        self.newest_minute = minutes.count(self.minutes, self.newest_minute, int(at // 60), minutes.OK)
        self._answered(event)

    def command_rejected(self, event: events.CommandRejected) -> None:
        self._answered(event)
        if counted_as(event) is CountedAs.FAILED:
            self._failed(event)
        else:
            # Neither ends a row of failures nor lengthens it: as the breaker sees it.
            self.rejected += 1

    def command_not_sent(self, event: events.CommandNotSent) -> None:
        if counted_as(event) is CountedAs.FAILED:
            self._failed(event)
        else:
            self.not_sent += 1

    def command_uncertain(self, event: events.CommandUncertain) -> None:
        self.uncertain += 1
        self._failed(event)

    def attempt_failed(self, event: events.AttemptFailed) -> None:
        if event.again_at is not None:
            self.retries += 1

    def held(self, event: events.HoldPlaced) -> None:
        self.hold_until = max(self.hold_until, event.until.timestamp())

    def bot_suspended(self, _: events.BotSuspended) -> None:
        self.suspended = 1

    def bot_resumed(self, _: events.BotResumed) -> None:
        self.suspended = 0

    def breaker_opened(self, _: events.BreakerOpened) -> None:
        self.breaker = Phase.OPEN.value

    def breaker_forced(self, _: events.BreakerForced) -> None:
        self.breaker = Phase.FORCED.value

    def breaker_half_opened(self, _: events.BreakerHalfOpened) -> None:
        self.breaker = Phase.HALF_OPEN.value

    def breaker_closed(self, _: events.BreakerClosed) -> None:
        self.breaker = Phase.CLOSED.value

    def _failed(self, event: events.Failed) -> None:
        at = event.occurred_at.timestamp()
        self.failed += 1
        self.consecutive_failures += 1
        self.last_failure = at
        self.newest_minute = minutes.count(self.minutes, self.newest_minute, int(at // 60), minutes.FAILED)

    def _answered(self, event: events.Ended) -> None:
        self.average_ms = health.averaged_ms(self.average_ms, event.telegram_ms)
        latency.count(self.latencies, event.telegram_ms + event.queue_ms)


COLUMNS = Tally.__struct_fields__

Counted = (
    events.Ended
    | events.AttemptFailed
    | events.HoldPlaced
    | events.BotSuspended
    | events.BotResumed
    | events.BreakerOpened
    | events.BreakerForced
    | events.BreakerHalfOpened
    | events.BreakerClosed
)
COUNTED: dict[type[events.Event], Callable[[Tally, Any], None]] = {
    events.CommandDelivered: Tally.delivered,
    events.CommandRejected: Tally.command_rejected,
    events.CommandNotSent: Tally.command_not_sent,
    events.CommandUncertain: Tally.command_uncertain,
    events.AttemptFailed: Tally.attempt_failed,
    events.HoldPlaced: Tally.held,
    events.BotSuspended: Tally.bot_suspended,
    events.BotResumed: Tally.bot_resumed,
    events.BreakerOpened: Tally.breaker_opened,
    events.BreakerForced: Tally.breaker_forced,
    events.BreakerHalfOpened: Tally.breaker_half_opened,
    events.BreakerClosed: Tally.breaker_closed,
}


def from_row(row: tuple[Any, ...]) -> Tally:
    tally = Tally(*row)
    tally.minutes, tally.latencies = array("I", row[-2]), array("I", row[-1])
    return tally
