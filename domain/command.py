"""A command: one Bot API method that a caller wants executed; and its outcome, one of four."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.failure import Category, Final


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """`method` is spelled as Telegram spells it; `chat` is the one it names, as text (`"42"`, `"@news"`), or None."""

    command_id: str
    bot_id: int
    tenant_id: str
    method: str
    parameters: dict[str, object]
    chat: str | None
    received_at: datetime
    deadline_s: float
    """How long the caller waits for an outcome, from `received_at` on."""
    retry_uncertain: bool = False
    """The caller would rather have it twice than not at all."""
    patient: bool = False
    """The caller does not stand waiting: it sits out an open breaker."""


class Wait(msgspec.Struct, frozen=True):
    """Why a command did not leave at once."""

    since: datetime
    because: str
    until: datetime | None = None
    """Where the end was known beforehand."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended, as its caller is told."""

    command_id: str
    final: Final
    code: str = ""
    """The problem code; empty for `delivered`."""
    result: bytes | None = None
    """Telegram's own result, JSON."""
    attempts: int = 0
    queue_ms: float = 0.0
    telegram_ms: float = 0.0
    category: Category | None = None
    telegram_code: int | None = None
    telegram_description: str | None = None
    retry_after_s: float | None = None
    position: int | None = None
    """Where the log has it; None when it could not be recorded in time."""
