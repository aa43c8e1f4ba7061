"""A bot's life: registered by one tenant, perhaps claimed by others, suspended, resumed, removed.

The functions decide: they return events, or a refusal that changes nothing. Only `evolve` changes a bot.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from domain import breaker_life, codes, events, identities
from domain.codes import Codes
from domain.config import DEFAULT, Config, changed
from domain.refusal import Refused


class Status(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    UNVERIFIED = "unverified"
    REMOVED = "removed"


TENANT, ADMIN = "tenant", identities.ADMIN
"""Who asked for a change of a bot."""


class Identity(msgspec.Struct, frozen=True):
    """What a registration brings: Telegram's own word on the bot, and its sealed token."""

    tenant_id: str
    username: str
    first_name: str
    token_sealed: bytes
    token_fingerprint: str


class Bot(msgspec.Struct, frozen=True):
    """`owner` None: nobody has it (never registered, or removed). `version` counts its stream's events."""

    bot_id: int
    version: int = 0
    owner: Identity | None = None
    registered_at: datetime | None = None
    suspended: str | None = None
    """Why; None while it is active."""
    suspended_by: str | None = None
    barred: str | None = None
    """Why an operator had suspended it when its tenant removed it: whoever registers it next has it suspended."""
    claims: dict[str, Identity] = {}
    breaker_open_until: datetime | None = None
    breaker_cooldown_s: float = 0.0
    """For how long it was opened."""
    breaker_forced: bool = False
    """By an operator. Kept while nobody has the bot: whoever registers it next has it forced open."""
    forced_because: str = ""
    config: Config = DEFAULT
    callback_sealed: bytes | None = None
    """Where its updates are posted."""
    is_verified: bool = False
    """Its owner has proven to be one."""
    codes: Codes = ()

    @property
    def tenants(self) -> tuple[str, ...]:
        """Who may know that it is here, the owner first."""
        return (*([self.owner.tenant_id] if self.owner else []), *self.claims)

    def status_for(self, tenant_id: str) -> Status:
        if self.owner is not None and self.owner.tenant_id == tenant_id:
            return Status.ACTIVE if self.suspended is None else Status.SUSPENDED
        return Status.UNVERIFIED if tenant_id in self.claims else Status.REMOVED


Decision = tuple[events.Event, ...] | Refused

_NOT_HERE = Refused("not_found", "There is no such bot. GET /api/bots lists yours.")


def register(bot: Bot, who: Identity, now: datetime) -> Decision:
    if bot.owner is None:
        registered = _registration(events.BotRegistered, bot, who, now)
        kept = *_still_suspended(bot, who.tenant_id, now), *breaker_life.still_forced(bot, who.tenant_id, now)
        return (*_withdrawn(bot, who.tenant_id, now), registered, *kept)
    if who.tenant_id in bot.tenants:
        return Refused("bot_exists", "You have registered this bot already. GET /api/bots/{bot_id} shows it.")
    return (_registration(events.OwnershipChallenged, bot, who, now),)


def suspend(bot: Bot, tenant_id: str, reason: str, by: str, now: datetime) -> Decision:
    """Nothing happens to a bot that is suspended already: the first reason stands."""
    match bot.status_for(tenant_id):
        case Status.ACTIVE:
            return (events.BotSuspended(occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id, reason=reason, by=by),)
        case Status.SUSPENDED:
            return ()
        case other:
            return _not_an_owner(other)


def resume(bot: Bot, tenant_id: str, by: str, now: datetime, reason: str = "") -> Decision:
    """What an admin has suspended, its tenant cannot resume."""
    match bot.status_for(tenant_id):
        case Status.SUSPENDED if bot.suspended_by == ADMIN and by == TENANT:
            return Refused(
                "bot_suspended", f"An operator has suspended the bot ({bot.suspended}): ask them to resume it."
            )
        case Status.SUSPENDED:
            return (events.BotResumed(occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id, by=by, reason=reason),)
        case Status.ACTIVE:
            return ()
        case other:
            return _not_an_owner(other)


def remove(bot: Bot, tenant_id: str, now: datetime, by: str = TENANT, reason: str = "") -> Decision:
    match bot.status_for(tenant_id):
        case Status.REMOVED:
            return _NOT_HERE
        case Status.UNVERIFIED:
            return _withdrawn(bot, tenant_id, now)
        case _:
            return (events.BotRemoved(occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id, by=by, reason=reason),)


def configure(bot: Bot, tenant_id: str, change: dict[str, Any], by: str, now: datetime, reason: str = "") -> Decision:
    if bot.status_for(tenant_id) not in (Status.ACTIVE, Status.SUSPENDED):
        return _not_an_owner(bot.status_for(tenant_id))
    try:
        config = changed(bot.config, change)
    except msgspec.ValidationError as error:
        return Refused("invalid_request", f"{error}. Nothing was changed.")
    if config == bot.config:
        return ()
    return (
        events.BotConfigured(
            occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id, config=config, by=by, reason=reason
        ),
    )


def call_back(bot: Bot, tenant_id: str, sealed: bytes | None, by: str, now: datetime, reason: str = "") -> Decision:
    """`sealed`: the address; None: nowhere."""
    if bot.status_for(tenant_id) not in (Status.ACTIVE, Status.SUSPENDED):
        return _not_an_owner(bot.status_for(tenant_id))
    if sealed is None and bot.callback_sealed is None:
        return ()
    called = events.CallbackSet(
        occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id, by=by, callback_sealed=sealed, reason=reason
    )
    return (called,)


def may_command(bot: Bot, tenant_id: str) -> Refused | None:
    match bot.status_for(tenant_id):
        case Status.ACTIVE:
            return None
        case Status.SUSPENDED:
            return Refused("bot_suspended", f"The bot is suspended ({bot.suspended}). {identities.way_back(bot)}")
        case other:
            return _not_an_owner(other)


_AS_NEW: dict[str, object] = {
    "suspended": None,
    "suspended_by": None,
    "config": DEFAULT,
    "callback_sealed": None,
}


def evolve(bot: Bot, event: events.Event) -> Bot:
    """The bot after this event."""
    beside = {**codes.changes(bot.codes, event), **breaker_life.changes(event)}
    return msgspec.structs.replace(bot, version=bot.version + 1, **beside, **_changes(bot, event))


def _changes(bot: Bot, event: events.Event) -> dict[str, object]:
    match event:
        case events.BotRegistered():
            return {"owner": _identity(event), "registered_at": event.occurred_at, "barred": None, **_AS_NEW}
        case events.OwnershipChallenged():
            return {"claims": {**bot.claims, event.tenant_id: _identity(event)}}
        case events.ChallengeWithdrawn():
            return {"claims": {tenant: who for tenant, who in bot.claims.items() if tenant != event.tenant_id}}
        case events.BotSuspended():
            return {"suspended": event.reason, "suspended_by": event.by}
        case events.BotResumed():
            return {"suspended": None, "suspended_by": None}
        case events.BotRemoved():
            return {"owner": None, **_AS_NEW, "barred": bot.suspended if bot.suspended_by == ADMIN else None}
        case events.BotConfigured():
            return {"config": event.config}
        case events.TokenRotated() | events.BotRenamed():
            return identities.changed(bot, event)
        case events.CallbackSet():
            return {"callback_sealed": event.callback_sealed}
        case _:
            return {}


def _identity(event: events.BotRegistered | events.OwnershipChallenged) -> Identity:
    return Identity(event.tenant_id, event.username, event.first_name, event.token_sealed, event.token_fingerprint)


def _registration(
    event: type[events.BotRegistered | events.OwnershipChallenged], bot: Bot, who: Identity, now: datetime
) -> events.Event:
    return event(
        occurred_at=now,
        bot_id=bot.bot_id,
        tenant_id=who.tenant_id,
        username=who.username,
        first_name=who.first_name,
        token_sealed=who.token_sealed,
        token_fingerprint=who.token_fingerprint,
    )


def _still_suspended(bot: Bot, tenant_id: str, now: datetime) -> tuple[events.Event, ...]:
    if bot.barred is None:
        return ()
    suspended = events.BotSuspended(
        occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id, reason=bot.barred, by=ADMIN
    )
    return (suspended,)


def _withdrawn(bot: Bot, tenant_id: str, now: datetime) -> tuple[events.Event, ...]:
    if tenant_id not in bot.claims:
        return ()
    return (events.ChallengeWithdrawn(occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id),)


def _not_an_owner(status: Status) -> Refused:
    if status is Status.UNVERIFIED:
        return Refused("bot_unverified", "This bot takes no commands until you prove that it is yours.")
    return _NOT_HERE
