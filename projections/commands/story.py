"""A command's story as its readers see it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.failure import Category

OPEN = "open"
"""The state of a command whose outcome is not recorded; the others are those of `Final`."""


class FailedAttempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """As the view keeps it."""

    at: datetime
    attempt: int
    category: Category
    description: str
    telegram_code: int | None = None
    again_at: datetime | None = None


class Moment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`event` is received, accepted, waited, started, attempt_failed, or the outcome."""

    at: datetime
    event: str
    detail: str
    until: datetime | None = None
    """When a wait was to end, or when the next attempt was to follow."""
    attempt: int | None = None
    category: Category | None = None
    telegram_code: int | None = None


class CommandStory(msgspec.Struct, frozen=True, kw_only=True):
    command_id: str
    bot_id: int
    tenant_id: str
    method: str
    chat: str | None
    state: str
    code: str | None
    category: Category | None
    telegram_code: int | None
    telegram_description: str | None
    received_at: datetime | None
    """None: only attempts are recorded so far, of a method that is not announced in advance."""
    accepted_at: datetime | None
    """Of a durable command; None: it was not one."""
    started_at: datetime | None
    """When its start was recorded; None for repeatable methods, whose start is not."""
    ended_at: datetime | None
    attempts: int
    queue_ms: float | None
    telegram_ms: float | None
    position: int
    timeline: list[Moment]
