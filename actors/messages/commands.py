"""What is asked about commands."""

from __future__ import annotations

from actors.messages.base import Message
from domain.command import Command, Outcome


class Durability(Message, frozen=True):
    """A durable command is on disk before anything else happens and ends in an outcome, whatever the process does."""

    body_hash: str
    """SHA-256 of what was asked, hexadecimal."""
    key: str | None = None
    """The caller's idempotency key."""
    wait_s: float | None = None
    """How long the caller waits for the outcome before it is told `Accepted`; None: for as long as it takes."""


class Execute(Message, frozen=True):
    """Answered with an `Outcome`; a durable one also with `Accepted`, or `Replayed` where its key was used before."""

    command: Command
    durability: Durability | None = None


class Accepted(Message, frozen=True):
    command_id: str
    position: int


class Replayed(Message, frozen=True):
    outcome: Outcome


class Cancel(Message, frozen=True):
    """Answered with an `Outcome`: that it was not sent."""

    command_id: str
    bot_id: int
    tenant_id: str


class ResultShredded(Message, frozen=True):
    """The result was kept, and nobody can read it any more."""


class ReadResult(Message, frozen=True):
    """Telegram's result of a durable command that was delivered. Answered with its JSON, `ResultShredded`, or None."""

    command_id: str
    tenant_id: str
    position: int
    """Of its outcome."""
