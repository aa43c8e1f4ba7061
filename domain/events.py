"""The catalogue: every fact that the log holds.

A `TOPIC` never changes, so a class may be renamed and old logs still read. New fields get defaults. No event carries a
token, a key, a secret or a message's text in clear: sealed fields hold what only the vault can open.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from domain.command import Wait
from domain.failure import Category


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    TOPIC: ClassVar[str]
    occurred_at: datetime
    """UTC."""


# Tenants: stream tenant/<tenant_id>


class TenantRegistered(Event, frozen=True, kw_only=True):
    TOPIC = "tenant-registered"
    tenant_id: str
    name: str


class KeyIssued(Event, frozen=True, kw_only=True):
    """`secret_hash` is the SHA-256 of 256 random bits, hexadecimal."""

    TOPIC = "key-issued"
    tenant_id: str
    key_id: str
    secret_hash: str
    scopes: tuple[str, ...]
    label: str = ""


class KeyRevoked(Event, frozen=True, kw_only=True):
    TOPIC = "key-revoked"
    tenant_id: str
    key_id: str


# Bots: stream bot/<bot_id>


class BotRegistered(Event, frozen=True, kw_only=True):
    TOPIC = "bot-registered"
    bot_id: int
    tenant_id: str
    username: str
    first_name: str
    token_sealed: bytes
    token_fingerprint: str


class OwnershipChallenged(Event, frozen=True, kw_only=True):
    """A second tenant registered a bot that already has an owner."""

    TOPIC = "ownership-challenged"
    bot_id: int
    tenant_id: str
    username: str
    first_name: str
    token_sealed: bytes
    token_fingerprint: str


class ChallengeWithdrawn(Event, frozen=True, kw_only=True):
    TOPIC = "challenge-withdrawn"
    bot_id: int
    tenant_id: str


class BotSuspended(Event, frozen=True, kw_only=True):
    TOPIC = "bot-suspended"
    bot_id: int
    tenant_id: str
    reason: str
    by: str
    """`tenant`, `admin` or `botloft` itself."""


class BotResumed(Event, frozen=True, kw_only=True):
    TOPIC = "bot-resumed"
    bot_id: int
    tenant_id: str
    by: str


class BotRemoved(Event, frozen=True, kw_only=True):
    TOPIC = "bot-removed"
    bot_id: int
    tenant_id: str


class BreakerOpened(Event, frozen=True, kw_only=True):
    TOPIC = "breaker-opened"
    bot_id: int
    tenant_id: str
    until: datetime
    cause: str


class BreakerHalfOpened(Event, frozen=True, kw_only=True):
    TOPIC = "breaker-half-opened"
    bot_id: int
    tenant_id: str


class BreakerClosed(Event, frozen=True, kw_only=True):
    TOPIC = "breaker-closed"
    bot_id: int
    tenant_id: str


# What a bot did on one day: stream d/<yyyy-mm-dd>/<bot_id>


class DayEvent(Event, frozen=True, kw_only=True):
    bot_id: int
    tenant_id: str


class CommandAccepted(DayEvent, frozen=True, kw_only=True):
    """A durable command: from now on it ends in an outcome, whatever happens to the process."""

    TOPIC = "command-accepted"
    command_id: str
    method: str
    received_at: datetime
    deadline_s: float
    parameters_sealed: bytes
    body_hash: str
    """SHA-256 of what was asked, hexadecimal: the same key with another body is a mistake."""
    chat: str | None = None
    retry_uncertain: bool = False
    patient: bool = False
    """Its caller does not stand waiting."""


class CommandStarted(DayEvent, frozen=True, kw_only=True):
    """Committed before the first attempt of a method that is not repeatable."""

    TOPIC = "command-started"
    command_id: str
    method: str
    received_at: datetime
    chat: str | None = None


class AttemptFailed(DayEvent, frozen=True, kw_only=True):
    TOPIC = "attempt-failed"
    command_id: str
    method: str
    attempt: int
    category: Category
    description: str
    telegram_ms: float
    chat: str | None = None
    telegram_code: int | None = None
    retry_after_s: float | None = None
    again_at: datetime | None = None
    """None: this was the last one."""


class Ended(DayEvent, frozen=True, kw_only=True):
    """What the four outcomes have in common; `occurred_at` is when the command ended."""

    command_id: str
    method: str
    received_at: datetime
    chat: str | None = None
    attempts: int = 0
    queue_ms: float = 0.0
    telegram_ms: float = 0.0
    """Of the last attempt."""
    waits: tuple[Wait, ...] = ()


class CommandDelivered(Ended, frozen=True, kw_only=True):
    TOPIC = "command-delivered"
    result_sealed: bytes | None = None
    """Of a durable command, whose caller may ask for it again."""


class Failed(Ended, frozen=True, kw_only=True):
    code: str
    """The problem code that the caller sees."""
    category: Category | None = None
    telegram_code: int | None = None
    description: str = ""


class CommandRejected(Failed, frozen=True, kw_only=True):
    TOPIC = "command-rejected"


class CommandNotSent(Failed, frozen=True, kw_only=True):
    TOPIC = "command-not-sent"


class CommandUncertain(Failed, frozen=True, kw_only=True):
    TOPIC = "command-uncertain"


class HoldPlaced(DayEvent, frozen=True, kw_only=True):
    TOPIC = "hold-placed"
    scope: str
    until: datetime
    retry_after_s: float


class ActorStarted(DayEvent, frozen=True, kw_only=True):
    TOPIC = "actor-started"


class ActorFailed(DayEvent, frozen=True, kw_only=True):
    TOPIC = "actor-failed"
    reason: str


class ActorRestarted(DayEvent, frozen=True, kw_only=True):
    TOPIC = "actor-restarted"
    after_s: float


class ActorPassivated(DayEvent, frozen=True, kw_only=True):
    TOPIC = "actor-passivated"


def _concrete(base: type[Event]) -> list[type[Event]]:
    below = [found for sub in base.__subclasses__() for found in _concrete(sub)]
    return [base, *below] if "TOPIC" in vars(base) else below


CATALOGUE: dict[str, type[Event]] = {event.TOPIC: event for event in _concrete(Event)}
