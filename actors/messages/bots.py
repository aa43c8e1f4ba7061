"""What is asked about bots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from actors.messages.base import Message
from domain.rules.tokens import Token


class RegisterBot(Message, frozen=True):
    """Answered with `BotChanged`."""

    tenant_id: str
    token: Token


class ChangeBot(Message, frozen=True):
    """Answered with `BotChanged`. `tenant_id` empty: its owner's, whoever that is; for an admin."""

    bot_id: int
    tenant_id: str


class SuspendBot(ChangeBot, frozen=True):
    reason: str
    by: str


class ResumeBot(ChangeBot, frozen=True):
    """With `if_because` only a bot that is suspended for that reason is resumed."""

    by: str
    if_because: str | None = None
    reason: str = ""


class RemoveBot(ChangeBot, frozen=True):
    by: str = "tenant"
    reason: str = ""


class RemoveBotsOf(Message, frozen=True):
    """Of removed tenants, claims too. Answered with the position of the last one's removal, 0 where there was none."""

    tenants: dict[str, str]
    """And why they were removed."""


class ConfigureBot(ChangeBot, frozen=True):
    """`change`: fields of `domain.config.Config`, and `callback_url`; null takes one back to its default."""

    change: dict[str, Any]
    by: str
    reason: str = ""

    def __repr__(self) -> str:
        return f"ConfigureBot({self.bot_id}, {', '.join(self.change)})"

    def __rich_repr__(self) -> Iterator[object]:  # type: ignore[override]  # an address may hold a secret
        yield self.bot_id
        yield list(self.change)


class SetBreaker(Message, frozen=True):
    """By an admin: open until it is reset, or closed now. Answered with `BotChanged`."""

    bot_id: int
    is_open: bool
    reason: str


class DescribeBreaker(Message, frozen=True):
    """Answered with `BreakerState`."""

    bot_id: int


class BreakerState(Message, frozen=True):
    bot_id: int
    phase: str
    failures: int
    """In a row, while it is closed."""
    successes: int
    """Of probes, while it is half-open."""
    open_until: datetime | None


class BotChanged(Message, frozen=True):
    """A bot as this tenant sees it after the change; `position` is None where nothing needed changing."""

    bot_id: int
    username: str
    status: str
    position: int | None
    callback_secret: str | None = None
    """Where one was made, and then this once."""

    def __repr__(self) -> str:
        return f"BotChanged({self.bot_id}, {self.status}, {self.position})"

    def __rich_repr__(self) -> Iterator[object]:  # type: ignore[override]  # msgspec's own shows every field
        yield self.bot_id
        yield self.status
        yield self.position
