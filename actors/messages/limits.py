"""What an admin asks about who may send how much: tenants and their weights, and the fleet's limits."""

from __future__ import annotations

from datetime import datetime

from actors.messages.base import Message

# To the accounts actor, from the gateway


class ListTenants(Message, frozen=True):
    """Answered with a list of `TenantInfo`, by their ids."""

    after: str
    limit: int


class DescribeTenant(Message, frozen=True):
    """Answered with `TenantInfo`."""

    tenant_id: str


class WeighTenant(Message, frozen=True):
    """Answered with `TenantInfo`, as it is when the change is on disk."""

    tenant_id: str
    weight: int
    by: str
    reason: str


class RemoveTenant(Message, frozen=True):
    """Answered with the position, once its bots and the key of its data are gone too."""

    tenant_id: str
    by: str
    reason: str


class TenantInfo(Message, frozen=True, omit_defaults=True):
    tenant_id: str
    name: str
    weight: int
    keys: int
    """How many open something."""
    registered_at: datetime | None
    position: int | None = None
    """Of the change, where there was one."""


# To the supervisor, from the gateway


class DescribeLimits(Message, frozen=True):
    """Answered with `Limits`."""


class MethodLimit(Message, frozen=True):
    method: str
    rps: float
    waiting: int
    """Commands."""


class Limits(Message, frozen=True):
    fleet_rps: float
    """0: no limit."""
    waiting: int
    """Bots whose next command waits for the fleet's limit."""
    methods: tuple[MethodLimit, ...]
    storage: str
    """`memory`: this process alone."""
    shared: bool
    """Whether the limits count for several processes right now."""
