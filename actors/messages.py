"""What actors can be asked, and by whom. Plain data: each could travel to another machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from domain.command import Command, Outcome
from domain.rules.tokens import Token
from domain.tenant import Scope


class Message(msgspec.Struct, frozen=True):
    """Every ask is answered with the reply named here, or with `Refused`."""


# To the supervisor, from the gateway


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


class ReadResult(Message, frozen=True):
    """Telegram's result of a durable command that was delivered. Answered with its JSON, or with None."""

    command_id: str
    tenant_id: str
    position: int
    """Of its outcome."""


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


class ConfigureBot(ChangeBot, frozen=True):
    """`change`: fields of `domain.config.Config`; null takes one back to its default."""

    change: dict[str, Any]
    by: str
    reason: str = ""


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


class ResetRetryStatistics(Message, frozen=True):
    """Of one bot, or with None of all. Answered with the position from which they count anew."""

    bot_id: int | None
    reason: str
    by: str


class BotChanged(Message, frozen=True):
    """A bot as this tenant sees it after the change; `position` is None where nothing needed changing."""

    bot_id: int
    username: str
    status: str
    position: int | None


class DescribeFleet(Message, frozen=True):
    """Answered with `FleetState`."""


class FleetState(Message, frozen=True):
    bots: int
    awake: int
    open_commands: int
    draining: bool
    unrecorded_s: float = 0.0
    """How long the oldest event has been waiting for the disk."""


class Drain(Message, frozen=True):
    """Takes nothing new, lets what is in flight finish within `bound_s`, stops every bot. Answered with None."""

    bound_s: float


# To the accounts actor, from the gateway


class RegisterTenant(Message, frozen=True):
    """Answered with `TenantKey`."""

    name: str


class IssueKey(Message, frozen=True):
    """Answered with `TenantKey`."""

    tenant_id: str
    scopes: tuple[Scope, ...]
    label: str


class RevokeKey(Message, frozen=True):
    """Answered with the position."""

    tenant_id: str
    key_id: str


class ListKeys(Message, frozen=True):
    """Answered with a list of `KeyInfo`."""

    tenant_id: str


class FoundOperator(Message, frozen=True):
    """At a first start: answered with the admin's `TenantKey`, or None where there is an operator already."""


class TenantKey(Message, frozen=True):
    """The only moment at which a key can be read."""

    tenant_id: str
    name: str
    key_id: str
    api_key: str
    position: int

    def __repr__(self) -> str:
        return f"TenantKey({self.tenant_id}, {self.key_id}, <redacted>)"

    def __rich_repr__(self) -> Iterator[str]:  # type: ignore[override]  # msgspec's own shows every field
        yield self.tenant_id
        yield self.key_id


class KeyInfo(Message, frozen=True):
    key_id: str
    scopes: tuple[str, ...]
    label: str
    issued_at: datetime


# To the alerts actor


class RaiseAlert(Message, frozen=True):
    """One incident is told once, however often it is raised."""

    kind: str
    bot_id: int
    tenant_id: str
    detail: str


class ClearAlert(Message, frozen=True):
    kind: str
    bot_id: int
