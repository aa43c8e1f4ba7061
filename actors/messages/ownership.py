"""How a tenant proves that a bot is its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from actors.messages.base import Message
from actors.messages.bots import ChangeBot
from domain.rules.tokens import Token
from domain.token_life import Found

# To the ownership actor


class AskForCode(Message, frozen=True):
    """Answered with `CodeIssued`."""

    bot_id: int
    tenant_id: str


class CodeIssued(Message, frozen=True):
    """The only moment at which the code can be read."""

    bot_id: int
    username: str
    code: str
    expires_at: datetime
    pending: int
    """Updates that wait at Telegram."""
    position: int

    def __repr__(self) -> str:
        return f"CodeIssued({self.bot_id}, <redacted>)"

    def __rich_repr__(self) -> Iterator[object]:  # type: ignore[override]  # msgspec's own shows every field
        yield self.bot_id
        yield "<redacted>"


class DescribeVerification(Message, frozen=True):
    """Answered with `Verification`, or None where this tenant has no open code of this bot."""

    bot_id: int
    tenant_id: str


class Verification(Message, frozen=True):
    state: str
    """`listening`, or `stopped: …` with the reason."""
    expires_at: datetime


# To the fleet


class IssueCode(ChangeBot, frozen=True):
    """Answered with `BotChanged`."""

    code_hash: str


class ProveOwnership(ChangeBot, frozen=True):
    """The code came to the bot. Answered with `BotChanged`, without a position where it proves nothing."""

    code_hash: str
    token: Token
    """The tenant's, which Telegram takes just now."""
    found: Found
    """By what names it knows the bot."""
