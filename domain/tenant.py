"""A tenant and its API keys: `blk_<key id>_<secret>_<checksum>`.

The checksum tells a mistyped key from a wrong one without a look-up. Only the SHA-256 of the secret is kept: it is 256
random bits, which no dictionary holds, so a slow password hash would protect nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from domain import events
from domain.refusal import Refused

OPERATOR = "operator"
"""The tenant that admin keys belong to; it has no bots."""
MAX_NAME = 100
WEIGHT, WEIGHT_MAX = 1, 100
"""What a tenant has unless an admin gives it more, and the most that one can have."""
SHAPE = re.compile(r"blk_(?P<id>[a-z0-9]{12})_(?P<secret>[0-9a-f]{64})_(?P<checksum>[0-9a-f]{8})", re.ASCII)


class Scope(StrEnum):
    TENANT = "tenant"
    ANALYST = "analyst"
    ADMIN = "admin"


class Key(msgspec.Struct, frozen=True):
    key_id: str
    tenant_id: str
    secret_hash: str
    scopes: tuple[str, ...]
    label: str
    issued_at: datetime


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


class NewKey(msgspec.Struct, frozen=True):
    """A key at the only moment at which its text exists."""

    key_id: str
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.key_id}:<redacted>)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # Else msgspec's own would show every field in a rich traceback.
        return [("key_id", self.key_id)]


Decision = tuple[events.Event, ...] | Refused
NO_TENANT = Refused("not_found", "There is no such tenant. GET /admin/tenants lists them.")


def written_key(key_id: str, secret: bytes) -> NewKey:
    body = f"blk_{key_id}_{secret.hex()}"
    return NewKey(key_id, f"{body}_{_checksum(body)}")


def key_id_of(text: str) -> str | None:
    """Which key this text claims to be, or None where it is mistyped or no key at all."""
    match = SHAPE.fullmatch(text)
    if match is None or _checksum(text[:-9]) != match["checksum"]:
        return None
    return match["id"]


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def opens(key: Key, text: str) -> bool:
    return hmac.compare_digest(key.secret_hash, hashed(text))


def register(tenant: Tenant, name: str, now: datetime) -> Decision:
    if tenant.name is not None or tenant.removed is not None:
        return Refused("invalid_request", "This tenant is registered already.")
    return (events.TenantRegistered(occurred_at=now, tenant_id=tenant.tenant_id, name=name),)


def issue_key(tenant: Tenant, key: NewKey, scopes: tuple[Scope, ...], label: str, now: datetime) -> Decision:
    if tenant.name is None:
        return Refused("not_found", "There is no such tenant.")
    issued = events.KeyIssued(
        occurred_at=now,
        tenant_id=tenant.tenant_id,
        key_id=key.key_id,
        secret_hash=hashed(key.text),
        scopes=tuple(scopes),
        label=label,
    )
    return (issued,)


def revoke_key(tenant: Tenant, key_id: str, now: datetime) -> Decision:
    if key_id not in tenant.keys:
        return Refused("not_found", "There is no such key. GET /api/keys lists yours.")
    if len(tenant.keys) == 1:
        return Refused("invalid_request", "Your last key: make another with POST /api/keys first.")
    return (events.KeyRevoked(occurred_at=now, tenant_id=tenant.tenant_id, key_id=key_id),)


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
            key = Key(event.key_id, event.tenant_id, event.secret_hash, event.scopes, event.label, event.occurred_at)
            return msgspec.structs.replace(grown, keys={**tenant.keys, event.key_id: key})
        case events.KeyRevoked():
            rest = {key_id: key for key_id, key in tenant.keys.items() if key_id != event.key_id}
            return msgspec.structs.replace(grown, keys=rest)
        case events.TenantRemoved():
            return Tenant(tenant.tenant_id, grown.version, removed=event.reason)
        case _:
            return grown


def removed_in(history: Iterable[events.Event]) -> set[str]:
    return {event.tenant_id for event in history if isinstance(event, events.TenantRemoved)}


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
