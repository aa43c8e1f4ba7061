"""The tenants and their keys: one actor, the one writer of every tenant's stream."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import reduce
from heapq import nsmallest
from typing import Any

from actors.inbox import Deferred
from actors.key_ring import KeyRing, listed_keys, new_key
from actors.messages import (
    DescribeTenant,
    EndSessions,
    FoundOperator,
    IssueKey,
    ListKeys,
    ListTenants,
    RegisterTenant,
    RemoveTenant,
    RevokeKey,
    RotateKey,
    TenantInfo,
    TenantKey,
    WeighTenant,
)
from actors.ports import Clock, Recording
from actors.removal import Removals
from actors.runtime import DEFERRED, LoopActor
from actors.weights import Weights
from domain import events, streams
from domain import tenant as tenants
from domain.errors import StoreError
from domain.keys import NewKey
from domain.refusal import Refused
from domain.store.mapper import Recorded
from domain.tenant import NO_TENANT, Scope, Tenant


class FinishRemoval:
    """Of these tenants, removed for these reasons; `then` is told the position."""

    def __init__(self, removed: dict[str, str], then: Callable[[int], None] = lambda _: None) -> None:
        self.removed, self.then = removed, then


class AccountsActor(LoopActor):
    def __init__(
        self,
        history: Iterable[Recorded],
        journal: Recording,
        clock: Clock,
        keys: KeyRing,
        weights: Weights | None = None,
        removals: Removals | None = None,
        used_before: Callable[[str], Mapping[str, datetime]] = lambda _: {},
    ) -> None:
        """`history`: the events of all tenants' streams, in the order of the log.

        Without `removals` what follows a removal is left to the next process. `used_before`: when a tenant's keys were
        used, as it was written down; it may block.
        """
        super().__init__()
        self._journal = journal
        self._clock = clock
        self._tenants: dict[str, Tenant] = {}
        self._keys = keys
        self._weights = weights or Weights()
        self._removals = removals
        self._used_before = used_before
        for recorded in history:
            self._become(recorded.stream.removeprefix(streams.TENANTS), (recorded.event,))

    def on_start(self) -> None:
        tenants_left = (one for one in self._tenants.values() if not one.is_shredded)
        left = {one.tenant_id: one.removed for one in tenants_left if one.removed is not None}
        if left:
            self.actor_ref.tell(FinishRemoval(left))

    def on_receive(self, message: object) -> Any:
        match message:
            case RegisterTenant():
                return self._register(_random_id("t"), message.name, (Scope.TENANT,))
            case IssueKey(tenants.OPERATOR) if tenants.OPERATOR not in self._tenants:
                # Who has the admin key of the settings needs no other, until it is to give one to somebody.
                return self._register(tenants.OPERATOR, "Operator", message.scopes, message.label)
            case IssueKey():
                return self._issue(message)
            case RotateKey():
                return self._rotate(message)
            case RevokeKey():
                tenant = self._tenant(message.tenant_id)
                return self._decided(tenant, tenants.revoke_key(tenant, message.key_id, self._clock.utc()))
            case EndSessions():
                tenant = self._tenant(message.tenant_id)
                return self._decided(tenant, tenants.end_sessions(tenant, message.key_id, self._clock.utc()))
            case ListKeys():
                return self._listed(message.tenant_id)
            case ListTenants():
                ids = nsmallest(message.limit, (one for one in self._tenants if self._is_listed(one, message.after)))
                return [_info(self._tenants[tenant_id]) for tenant_id in ids]
            case DescribeTenant():
                tenant = self._tenant(message.tenant_id)
                return _info(tenant) if self._is_listed(tenant.tenant_id) else NO_TENANT
            case WeighTenant():
                return self._weigh(message)
            case RemoveTenant():
                return self._remove(message)
            case FinishRemoval():
                return self._finish(message)
            case FoundOperator():
                return self._found_operator()
            case _:
                raise TypeError(f"AccountsActor has no case for {type(message).__name__}")

    def _register(self, tenant_id: str, name: str, scopes: tuple[Scope, ...], label: str = "first") -> Any:
        tenant, now, key = Tenant(tenant_id), self._clock.utc(), new_key()
        registered = tenants.register(tenant, name, now)
        if isinstance(registered, Refused):
            return registered
        issued = tenants.issue_key(reduce(tenants.evolve, registered, tenant), key, scopes, label, now)
        if isinstance(issued, Refused):
            return issued
        return self._record(tenant, (*registered, *issued), self._shown(tenant_id, key))

    def _issue(self, message: IssueKey) -> Any:
        tenant, key = self._tenant(message.tenant_id), new_key()
        decision = tenants.issue_key(tenant, key, message.scopes, message.label, self._clock.utc(), message.expires_at)
        return self._decided(tenant, decision, self._shown(tenant.tenant_id, key))

    def _rotate(self, message: RotateKey) -> Any:
        tenant, key = self._tenant(message.tenant_id), new_key()
        overlap = timedelta(seconds=message.overlap_s)
        decision = tenants.rotate_key(tenant, message.key_id, key, overlap, self._clock.utc())
        return self._decided(tenant, decision, self._shown(tenant.tenant_id, key))

    def _shown(self, tenant_id: str, new: NewKey) -> Callable[[int], TenantKey]:
        def shown(position: int) -> TenantKey:
            tenant = self._tenant(tenant_id)
            key = tenant.keys[new.key_id]
            name = tenant.name or ""
            return TenantKey(tenant_id, name, new.key_id, new.text, position, key.scopes, key.label, key.expires_at)

        return shown

    def _listed(self, tenant_id: str) -> Any:
        async def read() -> Mapping[str, datetime] | None:
            try:
                return await asyncio.to_thread(self._used_before, tenant_id)
            except StoreError:
                return None

        def listed(before: Mapping[str, datetime] | None) -> object:
            if before is None:
                return Refused("store_unavailable", "When they were used cannot be read at the moment. Try again.")
            return listed_keys(self._tenant(tenant_id), self._keys, before)

        return self.spawn(read(), listed)

    def _weigh(self, message: WeighTenant) -> Any:
        tenant = self._tenant(message.tenant_id)
        decision = tenants.weigh(tenant, message.weight, message.by, message.reason, self._clock.utc())
        if decision == ():
            return _info(tenant)
        return self._decided(tenant, decision, lambda at: _info(self._tenant(message.tenant_id), at))

    def _remove(self, message: RemoveTenant) -> Any:
        tenant = self._tenant(message.tenant_id)
        decision = tenants.remove(tenant, message.by, message.reason, self._clock.utc())
        if isinstance(decision, Refused):
            return decision
        reply = self.reply_later()

        def made(position: int) -> Deferred:
            self._finish(FinishRemoval({tenant.tenant_id: message.reason}, lambda at: reply.set(max(at, position))))
            return DEFERRED

        return self._record(tenant, decision, made)

    def _finish(self, removal: FinishRemoval) -> None:
        removals = self._removals
        if removals is None:
            removal.then(0)
            return

        def tried(position: int | None) -> None:
            if position is None:
                removals.again(lambda: self.actor_ref.tell(removal))
                return
            for tenant_id in removal.removed:
                shredded = events.TenantShredded(occurred_at=self._clock.utc(), tenant_id=tenant_id)
                self._journal.note(shredded, stream=streams.tenant_stream(tenant_id))
            removal.then(position)

        self.beside(removals.tried(removal.removed), tried)

    def _is_listed(self, tenant_id: str, after: str = "") -> bool:
        """The operator is no tenant like others: it has no bots."""
        tenant = self._tenant(tenant_id)
        return tenant.name is not None and after < tenant_id != tenants.OPERATOR

    def _found_operator(self) -> Any:
        if tenants.has_admin(self._tenant(tenants.OPERATOR), self._clock.utc()):
            return None
        return self.on_receive(IssueKey(tenants.OPERATOR, (Scope.ADMIN,), "first"))

    def _decided(
        self, tenant: Tenant, decision: tenants.Decision, made: Callable[[int], object] = lambda at: at
    ) -> Any:
        return decision if isinstance(decision, Refused) else self._record(tenant, decision, made)

    def _record(self, tenant: Tenant, decided: tuple[events.Event, ...], made: Callable[[int], object]) -> Any:
        """Into the log, into memory, and once it is on disk to whoever asked."""
        reply = self.reply_later()

        def written(result: int | StoreError) -> None:
            if isinstance(result, int):
                # A key opens nothing before it is on disk.
                self._become(tenant.tenant_id, decided)
                reply.set(made(result))
            else:
                reply.set(Refused("store_unavailable", "The change could not be recorded and was not made. Try again."))

        self._journal.write(streams.tenant_stream(tenant.tenant_id), tenant.version, decided, written)
        return DEFERRED

    def _become(self, tenant_id: str, happened: tuple[events.Event, ...]) -> None:
        before = self._tenant(tenant_id)
        after = reduce(tenants.evolve, happened, before)
        self._keys.became(before, after)
        self._weights.became(after)
        self._tenants[tenant_id] = after

    def _tenant(self, tenant_id: str) -> Tenant:
        return self._tenants.get(tenant_id, Tenant(tenant_id))


def _info(tenant: Tenant, position: int | None = None) -> TenantInfo:
    name, registered_at = tenant.name or "", tenant.registered_at
    return TenantInfo(tenant.tenant_id, name, tenant.weight, len(tenant.keys), registered_at, position)


def _random_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(8)}"
