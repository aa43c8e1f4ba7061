"""How a tenant proves that a bot is its own: in the bot's stream."""

from __future__ import annotations

from datetime import datetime

from domain.events.base import Event


class OwnershipCodeIssued(Event, frozen=True, kw_only=True):
    """Whoever sends this code to the bot before `expires_at` proves that the bot is this tenant's."""

    TOPIC = "ownership-code-issued"
    bot_id: int
    tenant_id: str
    code_hash: str
    """SHA-256 of the code, hexadecimal: 128 random bits are not to be guessed from it."""
    expires_at: datetime


class OwnershipVerified(Event, frozen=True, kw_only=True):
    """The tenant's code came to the bot. A bot that another had was removed and registered in the same commit."""

    TOPIC = "ownership-verified"
    bot_id: int
    tenant_id: str
    is_takeover: bool = False
