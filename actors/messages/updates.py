"""How bots hear of their users."""

from __future__ import annotations

from actors.messages.base import Message


class DescribeUpdates(Message, frozen=True):
    """Answered with `UpdatesState`."""

    bot_id: int


class UpdatesState(Message, frozen=True):
    bot_id: int
    wanted: str
    state: str
    """`off`, `polling`, `webhook`, `falling back`, or `stopped: …` with the reason."""
    last_at: float | None = None
    """Unix seconds, of the newest update."""


class RotateWebhook(Message, frozen=True):
    """A new path and a new secret. Answered with `UpdatesState`."""

    bot_id: int
    tenant_id: str


class CheckToken(Message, frozen=True):
    """Telegram has refused it elsewhere. Answered with None at once."""

    bot_id: int
