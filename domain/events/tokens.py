"""What becomes of bots' tokens. Registration and `TokenRotated` say by themselves that Telegram took the token."""

from __future__ import annotations

from domain.events.base import Event
from domain.events.day import DayEvent
from domain.rules.validation import Verdict, Why


class TokenRotated(Event, frozen=True, kw_only=True):
    """The bot goes on with another token, which Telegram took. Stream bot/<bot_id>."""

    TOPIC = "token-rotated"
    bot_id: int
    tenant_id: str
    token_sealed: bytes
    token_fingerprint: str


class BotRenamed(Event, frozen=True, kw_only=True):
    """Telegram calls it otherwise now. Stream bot/<bot_id>."""

    TOPIC = "bot-renamed"
    bot_id: int
    tenant_id: str
    username: str
    first_name: str


class TokenValidated(DayEvent, frozen=True, kw_only=True):
    """Telegram was asked about the bot's token. Names are there where it was valid."""

    TOPIC = "token-validated"
    category: Verdict
    why: Why
    username: str = ""
    first_name: str = ""


class TokensInspected(Event, frozen=True, kw_only=True):
    """On their daily turn these bots' tokens were found as they were: one event for many. Stream tokens/<day>."""

    TOPIC = "tokens-inspected"
    tenant_id: str
    """The operator's."""
    valid: tuple[int, ...] = ()
    """Bot ids."""
    revoked: tuple[int, ...] = ()
