"""The tenants' shares as the fleet's permits need them."""

from __future__ import annotations

from domain import tenant as tenants
from domain.tenant import Tenant


class Weights:
    """The tenants' shares as they are now: written by the accounts actor, read by the supervisor's permits."""

    def __init__(self) -> None:
        self._weights: dict[str, int] = {}

    def of(self, tenant_id: str) -> int:
        return self._weights.get(tenant_id, tenants.WEIGHT)

    def became(self, tenant: Tenant) -> None:
        if tenant.weight == tenants.WEIGHT:
            self._weights.pop(tenant.tenant_id, None)
        else:
            self._weights[tenant.tenant_id] = tenant.weight
