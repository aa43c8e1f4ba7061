"""What is asked about bots' tokens."""

from __future__ import annotations

from datetime import datetime

from actors.messages.base import Message
from actors.messages.bots import ChangeBot
from domain.rules.tokens import Token
from domain.rules.validation import Verdict, Why

# To the fleet


class RotateToken(ChangeBot, frozen=True):
    """Another token for the same bot, after Telegram has taken it. Answered with `BotChanged`."""

    token: Token


class InspectToken(ChangeBot, frozen=True):
    """Telegram is asked about the bot's token now, and what follows is done. Answered with `TokenInspected`."""

    why: Why


class TokenInspected(Message, frozen=True):
    bot_id: int
    category: Verdict
    username: str
    """As Telegram has it where the token is valid, else as it was known."""
    first_name: str
    status: str
    position: int


# To the inspector


class ValidateToken(Message, frozen=True):
    """Asked about, and forgotten. Answered with `TokenJudged`."""

    token: Token


class TokenJudged(Message, frozen=True):
    category: Verdict
    bot_id: int | None = None
    username: str | None = None
    """Both where it is valid."""
    first_name: str | None = None


class ValidateAll(Message, frozen=True):
    """Every bot's token, one after another. Answered with `Inspection` at once; one that runs already is as good."""

    by: str


class DescribeInspection(Message, frozen=True):
    """Answered with `Inspection`."""


class ValidationJob(Message, frozen=True):
    by: str
    started_at: datetime
    bots: int
    done: int
    categories: dict[str, int]
    """How many of each."""
    ended_at: datetime | None = None


class Inspection(Message, frozen=True):
    bots: int
    of_last_day: int
    """So many tokens have been looked at within the last 24 hours."""
    since: datetime
    """The start of this process: of jobs before it nothing is known."""
    job: ValidationJob | None
