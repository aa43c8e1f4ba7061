"""What a bot did on one day: its commands, its holds, the lives of its actor."""

from __future__ import annotations

from datetime import datetime

from domain.command import Wait
from domain.events.base import Event
from domain.failure import Category, Strategy

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
    """Committed before the first attempt of a method that is not repeatable, and of every durable command."""

    TOPIC = "command-started"
    command_id: str
    method: str
    received_at: datetime
    chat: str | None = None


class AttemptFailed(DayEvent, frozen=True, kw_only=True):
    """One call to Telegram did not bring the answer; the command may still have another."""

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
    strategy: Strategy | None = None
    """How its bot waits between attempts, where it has its own way; None: the category's."""


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
    """Telegram did it."""

    TOPIC = "command-delivered"
    result_sealed: bytes | None = None
    """Of a durable command, whose caller may ask for it again."""


class Failed(Ended, frozen=True, kw_only=True):
    """What the three outcomes that are no success have in common."""

    code: str
    """The problem code that the caller sees."""
    category: Category | None = None
    telegram_code: int | None = None
    description: str = ""


class CommandRejected(Failed, frozen=True, kw_only=True):
    """Telegram refused it for good."""

    TOPIC = "command-rejected"


class CommandNotSent(Failed, frozen=True, kw_only=True):
    """It ended, and it is certain that nothing was executed."""

    TOPIC = "command-not-sent"


class CommandUncertain(Failed, frozen=True, kw_only=True):
    """It may have been executed: the answer was lost, and a repeat might do it twice."""

    TOPIC = "command-uncertain"


class HoldPlaced(DayEvent, frozen=True, kw_only=True):
    """Telegram answered 429: nothing is sent into this scope before `until`."""

    TOPIC = "hold-placed"
    scope: str
    until: datetime
    retry_after_s: float


class UpdateReceived(DayEvent, frozen=True, kw_only=True):
    """Telegram has brought an update; what it says is in the inbox, sealed, and never here."""

    TOPIC = "update-received"
    update_id: int
    kind: str
    """The field of Telegram's `Update` that it has: `message`, `callback_query`."""
    via: str
    """`webhook` or `polling`."""
    chat: str | None = None
    chat_type: str | None = None
    command: str | None = None
    """Of a message that begins with one: its name, without what follows it. None where it is said to another bot."""


class UpdateDelivered(DayEvent, frozen=True, kw_only=True):
    """Its tenant has it: an endpoint took it, or a later question confirmed it."""

    TOPIC = "update-delivered"
    update_id: int
    via: str
    """`push` or `pull`."""
    attempts: int = 1
    after_ms: float = 0.0
    """Since it was received."""


class UpdateDeliveryFailed(DayEvent, frozen=True, kw_only=True):
    """The tenant's endpoint did not take it; it is tried again unless `again_at` is None."""

    TOPIC = "update-delivery-failed"
    update_id: int
    attempt: int
    cause: str
    """An HTTP status, or what went wrong on the way; no address and no text."""
    again_at: datetime | None = None


class ActorStarted(DayEvent, frozen=True, kw_only=True):
    """The bot is awake."""

    TOPIC = "actor-started"


class ActorFailed(DayEvent, frozen=True, kw_only=True):
    """Its actor raised; another takes up what it had."""

    TOPIC = "actor-failed"
    reason: str


class ActorRestarted(DayEvent, frozen=True, kw_only=True):
    """A new actor was started after this many seconds."""

    TOPIC = "actor-restarted"
    after_s: float


class ActorPassivated(DayEvent, frozen=True, kw_only=True):
    """It sleeps until its next command."""

    TOPIC = "actor-passivated"
