"""What happened to tenants and their keys, kept for ever."""

from __future__ import annotations

from datetime import datetime

from domain.events.base import Event

# Tenants: stream tenant/<tenant_id>


class TenantRegistered(Event, frozen=True, kw_only=True):
    """From now on there is such a tenant, without bots."""

    TOPIC = "tenant-registered"
    tenant_id: str
    name: str


class KeyIssued(Event, frozen=True, kw_only=True):
    """`secret_hash` is the SHA-256 of 256 random bits, hexadecimal."""

    TOPIC = "key-issued"
    VERSION = 2
    tenant_id: str
    key_id: str
    secret_hash: str
    scopes: tuple[str, ...]
    label: str = ""
    expires_at: datetime | None = None
    """None: never."""


class KeyRotated(Event, frozen=True, kw_only=True):
    """Another was issued in its place, in the same commit; it opens nothing any more from `until` on."""

    TOPIC = "key-rotated"
    tenant_id: str
    key_id: str
    successor_id: str
    until: datetime


class KeyRevoked(Event, frozen=True, kw_only=True):
    """The key opens nothing any more."""

    TOPIC = "key-revoked"
    tenant_id: str
    key_id: str


class SessionsEnded(Event, frozen=True, kw_only=True):
    """Somebody logged out: no browser session that this key opened before opens anything any more."""

    TOPIC = "sessions-ended"
    tenant_id: str
    key_id: str


class TenantWeighted(Event, frozen=True, kw_only=True):
    """From now on its share, beside the weights of the others, where less may leave than all of them want."""

    TOPIC = "tenant-weighted"
    tenant_id: str
    weight: int
    by: str
    reason: str


class TenantRemoved(Event, frozen=True, kw_only=True):
    """Its keys open nothing any more. Its bots are removed next, and then the key that its data is sealed under."""

    TOPIC = "tenant-removed"
    tenant_id: str
    by: str
    reason: str


class TenantShredded(Event, frozen=True, kw_only=True):
    """It has no bot any more, and its data's key is destroyed: of its removal nothing is left to do."""

    TOPIC = "tenant-shredded"
    tenant_id: str


# Uses of keys: stream uses/<tenant_id>


class KeyUsed(Event, frozen=True, kw_only=True):
    """It opened something then. Written once a day of use, not with each."""

    TOPIC = "key-used"
    tenant_id: str
    key_id: str
    last_used_at: datetime
