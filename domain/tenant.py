"""A tenant and what is decided about it: its keys, its weight, its end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from domain import events
from domain.keys import Key, NewKey, hashed, is_over
from domain.refusal import Refused

OPERATOR = "operator"
"""The tenant that admin keys belong to; it has no bots."""
MAX_NAME = 100
WEIGHT, WEIGHT_MAX = 1, 100
"""What a tenant has unless an admin gives it more, and the most that one can have."""
MAX_KEYS = 1000
"""Of one tenant, expired ones that are still shown among them."""
MAX_OVERLAP = timedelta(days=30)
MAX_LIFE = timedelta(days=3650)
EXPIRED_SHOWN = timedelta(days=30)
"""So long an expired key stays in the list; then the next that is issued takes it away."""


class Scope(StrEnum):
    TENANT = "tenant"
    ANALYST = "analyst"
    ADMIN = "admin"


class Tenant(msgspec.Struct, frozen=True):
    tenant_id: str
    version: int = 0
    name: str | None = None
    """None: not registered, or removed."""
    keys: dict[str, Key] = {}
    weight: int = WEIGHT
    registered_at: datetime | None = None
    removed: str | None = None
    """Why; None: it was not."""
    is_shredded: bool = False
    """Its removal is finished."""


Decision = tuple[events.Event, ...] | Refused
SECOND = timedelta(seconds=1)
NO_KEY = Refused("not_found", "There is no such key. GET /api/keys lists yours.")
NO_TENANT = Refused("not_found", "There is no such tenant. GET /admin/tenants lists them.")


def register(tenant: Tenant, name: str, now: datetime) -> Decision:
    if tenant.name is not None or tenant.removed is not None:
        return Refused("invalid_request", "This tenant is registered already.")
    return (events.TenantRegistered(occurred_at=now, tenant_id=tenant.tenant_id, name=name),)


def issue_key(
    tenant: Tenant, key: NewKey, scopes: tuple[str, ...], label: str, now: datetime, expires_at: datetime | None = None
) -> Decision:
    if tenant.name is None:
        return Refused("not_found", "There is no such tenant.")
    if len(tenant.keys) >= MAX_KEYS:
        return Refused("invalid_request", f"A tenant has {MAX_KEYS} keys at most. DELETE those of no use.")
    if expires_at is not None and not now < expires_at <= now + MAX_LIFE:
        return Refused("invalid_request", f"A key expires in the future, and within {MAX_LIFE.days} days.")
    issued = events.KeyIssued(
        occurred_at=now,
        tenant_id=tenant.tenant_id,
        key_id=key.key_id,
        secret_hash=hashed(key.text),
        scopes=tuple(scopes),
        label=label,
        expires_at=expires_at,
    )
    return (issued,)


def rotate_key(tenant: Tenant, key_id: str, successor: NewKey, overlap: timedelta, now: datetime) -> Decision:
    """The successor can do what the old key can and lives as long; the old one goes on until the overlap ends."""
    old = tenant.keys.get(key_id)
    if old is None:
        return NO_KEY
    if is_over(old, now):
        return Refused("invalid_request", "This key has expired. POST /api/keys makes another.")
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        return Refused("invalid_request", f"The overlap is from 0 to {MAX_OVERLAP // SECOND} seconds.")
    # At once always has room: a leaked key must never stay for want of it.
    others = tenant if overlap else _without(tenant, key_id)
    issued = issue_key(others, successor, old.scopes, old.label, now, None if old.lives is None else now + old.lives)
    if isinstance(issued, Refused):
        return issued
    rotated = events.KeyRotated(
        occurred_at=now,
        tenant_id=tenant.tenant_id,
        key_id=key_id,
        successor_id=successor.key_id,
        # A second rotation, or an overlap beyond its own end, never lengthens a life.
        until=now + overlap if old.expires_at is None else min(old.expires_at, now + overlap),
    )
    return (*issued, rotated)


def revoke_key(tenant: Tenant, key_id: str, now: datetime) -> Decision:
    key = tenant.keys.get(key_id)
    if key is None:
        return NO_KEY
    others = [other for other in tenant.keys.values() if other is not key]
    if _is_way_in(tenant, key, now) and not any(_is_way_in(tenant, other, now) for other in others):
        return Refused(
            "invalid_request",
            "This is the last key. Make another first, or replace it at once, with the key itself: "
            f'POST /api/keys/{key_id}/rotate {{"overlap_s": 0}}.',
        )
    return (events.KeyRevoked(occurred_at=now, tenant_id=tenant.tenant_id, key_id=key_id),)


def end_sessions(tenant: Tenant, key_id: str, now: datetime) -> Decision:
    if key_id not in tenant.keys:
        return NO_KEY
    return (events.SessionsEnded(occurred_at=now, tenant_id=tenant.tenant_id, key_id=key_id),)


def weigh(tenant: Tenant, weight: int, by: str, reason: str, now: datetime) -> Decision:
    """The same weight again changes nothing."""
    if tenant.name is None or tenant.tenant_id == OPERATOR:
        return NO_TENANT
    if not 1 <= weight <= WEIGHT_MAX:
        return Refused("invalid_request", f'"weight" must be a whole number from 1 to {WEIGHT_MAX}.')
    if weight == tenant.weight:
        return ()
    weighted = events.TenantWeighted(occurred_at=now, tenant_id=tenant.tenant_id, weight=weight, by=by, reason=reason)
    return (weighted,)


def remove(tenant: Tenant, by: str, reason: str, now: datetime) -> Decision:
    if tenant.name is None or tenant.tenant_id == OPERATOR:
        return NO_TENANT
    return (events.TenantRemoved(occurred_at=now, tenant_id=tenant.tenant_id, by=by, reason=reason),)


def evolve(tenant: Tenant, event: events.Event) -> Tenant:
    """The tenant after this event."""
    grown = msgspec.structs.replace(tenant, version=tenant.version + 1)
    match event:
        case events.TenantRegistered():
            return msgspec.structs.replace(grown, name=event.name, registered_at=event.occurred_at)
        case events.TenantWeighted():
            return msgspec.structs.replace(grown, weight=event.weight)
        case events.KeyIssued():
            # An automaton that rotates must not fill the memory.
            kept = {
                old.key_id: old for old in tenant.keys.values() if not is_over(old, event.occurred_at - EXPIRED_SHOWN)
            }
            return msgspec.structs.replace(grown, keys={**kept, event.key_id: _issued(event)})
        case events.KeyRotated(key_id=key_id) if event.until > event.occurred_at:
            old = msgspec.structs.replace(tenant.keys[key_id], expires_at=event.until, successor_id=event.successor_id)
            return msgspec.structs.replace(grown, keys={**tenant.keys, key_id: old})
        case events.KeyRevoked() | events.KeyRotated():
            return _without(grown, event.key_id)
        case events.SessionsEnded(key_id=key_id):
            key = tenant.keys[key_id]
            ended = msgspec.structs.replace(key, sessions=key.sessions + 1)
            return msgspec.structs.replace(grown, keys={**tenant.keys, key_id: ended})
        case events.TenantRemoved():
            return Tenant(tenant.tenant_id, grown.version, removed=event.reason)
        case events.TenantShredded():
            return msgspec.structs.replace(grown, is_shredded=True)
        case _:
            return grown


def removed_in(history: Iterable[events.Event]) -> set[str]:
    return {event.tenant_id for event in history if isinstance(event, events.TenantRemoved)}


def has_admin(tenant: Tenant, now: datetime) -> bool:
    return any(Scope.ADMIN in key.scopes and not is_over(key, now) for key in tenant.keys.values())


def _without(tenant: Tenant, key_id: str) -> Tenant:
    return msgspec.structs.replace(tenant, keys={one: key for one, key in tenant.keys.items() if one != key_id})


def _is_way_in(tenant: Tenant, key: Key, now: datetime) -> bool:
    """With it the tenant can make others; an analyst's key is none."""
    needed = Scope.ADMIN if tenant.tenant_id == OPERATOR else Scope.TENANT
    return needed in key.scopes and not is_over(key, now)


def _issued(event: events.KeyIssued) -> Key:
    return Key(
        event.key_id,
        event.tenant_id,
        event.secret_hash,
        event.scopes,
        event.label,
        event.occurred_at,
        event.expires_at,
        None if event.expires_at is None else event.expires_at - event.occurred_at,
    )
