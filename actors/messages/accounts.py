"""To the accounts actor: tenants and their keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from actors.messages.base import Message
from domain.tenant import Scope


class RegisterTenant(Message, frozen=True):
    """Answered with `TenantKey`."""

    name: str


class IssueKey(Message, frozen=True):
    """Answered with `TenantKey`."""

    tenant_id: str
    scopes: tuple[Scope, ...]
    label: str
    expires_at: datetime | None = None


class RotateKey(Message, frozen=True):
    """Answered with the successor's `TenantKey`."""

    tenant_id: str
    key_id: str
    overlap_s: float


class RevokeKey(Message, frozen=True):
    """Answered with the position."""

    tenant_id: str
    key_id: str


class EndSessions(Message, frozen=True):
    """All browser sessions of this key. Answered with the position."""

    tenant_id: str
    key_id: str


class ListKeys(Message, frozen=True):
    """Answered with a list of `KeyInfo`."""

    tenant_id: str


class FoundOperator(Message, frozen=True):
    """At a first start: answered with the admin's `TenantKey`, or None where there is an operator already."""


class TenantKey(Message, frozen=True):
    """The only moment at which a key can be read."""

    tenant_id: str
    name: str
    key_id: str
    api_key: str
    position: int
    scopes: tuple[str, ...]
    label: str
    expires_at: datetime | None

    def __repr__(self) -> str:
        return f"TenantKey({self.tenant_id}, {self.key_id}, <redacted>)"

    def __rich_repr__(self) -> Iterator[str]:  # type: ignore[override]  # msgspec's own shows every field
        yield self.tenant_id
        yield self.key_id


class KeyInfo(Message, frozen=True):
    key_id: str
    scopes: tuple[str, ...]
    label: str
    issued_at: datetime
    expires_at: datetime | None = None
    """None: never."""
    successor_id: str | None = None
    last_used_at: datetime | None = None
    """None: never, as far as is known."""
