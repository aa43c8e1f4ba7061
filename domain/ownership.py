"""Proof that a bot is a tenant's: a code is issued, comes back by way of the bot itself, and then the bot is theirs.

The proof of a claimant takes the bot over. That is written as what it is for everybody else, a removal and a new
registration, in one commit: so nothing that folds a bot's life has to know of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce

from domain import bot as lives
from domain import events
from domain.bot import Bot, Decision, Identity
from domain.codes import REMEMBERED
from domain.refusal import Refused

LIFETIME = timedelta(minutes=15)
ISSUED_MAX = 5
"""Codes within an hour, of one tenant for one bot."""
BY = "botloft"
TAKEN_OVER = "another tenant has proven that the bot is its own"
NOT_HERE = Refused("not_found", "There is no such bot. GET /api/bots lists yours.")
UNPROVEN = Refused(
    "bot_unverified",
    "This gateway asks for proof that the bot is yours: POST /api/bots/{bot_id}/verify-ownership gives you a code, "
    "and what to do with it.",
)


class Ownership(StrEnum):
    REGISTERED = "registered"
    UNVERIFIED = "unverified"
    VERIFIED = "verified"


def ownership_for(bot: Bot, tenant_id: str) -> Ownership:
    if bot.owner is None or bot.owner.tenant_id != tenant_id:
        return Ownership.UNVERIFIED
    return Ownership.VERIFIED if bot.is_verified else Ownership.REGISTERED


def identity_of(bot: Bot, tenant_id: str) -> Identity | None:
    """The owner's, or what this claimant has registered."""
    if bot.owner is not None and bot.owner.tenant_id == tenant_id:
        return bot.owner
    return bot.claims.get(tenant_id)


def issue(bot: Bot, tenant_id: str, code_hash: str, now: datetime) -> Decision:
    """A new code takes the place of the tenant's older one."""
    if tenant_id not in bot.tenants:
        return NOT_HERE
    if ownership_for(bot, tenant_id) is Ownership.VERIFIED:
        return Refused("bot_verified", "There is nothing to prove any more: the bot is verified as yours.")
    lately = sorted(
        code.issued_at for code in bot.codes if code.tenant_id == tenant_id and now - code.issued_at < REMEMBERED
    )
    if len(lately) >= ISSUED_MAX:
        wait_s = (lately[-ISSUED_MAX] + REMEMBERED - now).total_seconds()
        return Refused(
            "rate_limited", f"{ISSUED_MAX} codes an hour are given for one bot. Use the newest, or wait.", wait_s
        )
    issued = events.OwnershipCodeIssued(
        occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id, code_hash=code_hash, expires_at=now + LIFETIME
    )
    return (issued,)


def verify(bot: Bot, tenant_id: str, code_hash: str, token_fingerprint: str, now: datetime) -> Decision:
    """Nothing happens for a code that is not open. `token_fingerprint`: of the token that Telegram takes just now."""
    who = identity_of(bot, tenant_id)
    is_open = any(
        code.is_open and code.tenant_id == tenant_id and code.code_hash == code_hash and now < code.expires_at
        for code in bot.codes
    )
    if who is None or not is_open or who.token_fingerprint != token_fingerprint:
        return ()
    if bot.owner is who:
        return (_verified(bot, tenant_id, now, is_takeover=False),)
    removed: tuple[events.Event, ...] = ()
    if bot.owner is not None:
        removal = lives.remove(bot, bot.owner.tenant_id, now, BY, TAKEN_OVER)
        assert not isinstance(removal, Refused)  # noqa: S101  it has an owner
        removed = removal
    registered = lives.register(reduce(lives.evolve, removed, bot), who, now)
    assert not isinstance(registered, Refused)  # noqa: S101  nobody has it now
    return (*removed, *registered, _verified(bot, tenant_id, now, is_takeover=bool(removed)))


def listens(change: dict[str, object]) -> bool:
    """Where proof is asked for, a bot's users are not listened to without it either."""
    return change.get("updates") not in (None, "off")


def _verified(bot: Bot, tenant_id: str, now: datetime, *, is_takeover: bool) -> events.Event:
    return events.OwnershipVerified(occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id, is_takeover=is_takeover)
