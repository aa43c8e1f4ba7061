"""The tenants and their keys: one actor, the one writer of every tenant's stream."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from functools import reduce
from heapq import nsmallest
from typing import Any

from actors.inbox import Deferred
from actors.messages import (
    DescribeTenant,
    FoundOperator,
    IssueKey,
    KeyInfo,
    ListKeys,
    ListTenants,
    RegisterTenant,
    RemoveTenant,
    RevokeKey,
    TenantInfo,
    TenantKey,
    WeighTenant,
)
from actors.ports import Clock, Recording
from actors.removal import Removals
from actors.runtime import DEFERRED, LoopActor
from domain import events, streams
from domain import tenant as tenants
from domain.errors import StoreError
from domain.refusal import Refused
from domain.store.mapper import Recorded
from domain.tenant import NO_TENANT, Key, Scope, Tenant

KEY_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class KeyRing:
    """The keys that open something now: written by the accounts actor, read by the gateway on every request."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def find(self, key_id: str) -> Key | None:
        return self._keys.get(key_id)

    def became(self, before: Tenant, after: Tenant) -> None:
        for gone in before.keys.keys() - after.keys.keys():
            del self._keys[gone]
        self._keys.update(after.keys)


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
    ) -> None:
        """`history`: the events of all tenants' streams, in the order of the log.

        Without `removals` what follows a removal is left to the next process.
        """
        super().__init__()
        self._journal = journal
        self._clock = clock
        self._tenants: dict[str, Tenant] = {}
        self._keys = keys
        self._weights = weights or Weights()
        self._removals = removals
        for recorded in history:
            self._become(recorded.stream.removeprefix(streams.TENANTS), (recorded.event,))

    def on_start(self) -> None:
        removed = {one.tenant_id: one.removed for one in self._tenants.values() if one.removed is not None}
        if removed:
            self.actor_ref.tell(FinishRemoval(removed))

    def on_receive(self, message: object) -> Any:
        match message:
            case RegisterTenant():
                return self._register(_random_id("t"), message.name, (Scope.TENANT,))
            case IssueKey(tenants.OPERATOR) if tenants.OPERATOR not in self._tenants:
                # Who has the admin key of the settings needs no other, until it is to give one to somebody.
                return self._register(tenants.OPERATOR, "Operator", message.scopes, message.label)
            case IssueKey():
                return self._issue(message)
            case RevokeKey():
                return self._revoke(message)
            case ListKeys():
                keys = self._tenant(message.tenant_id).keys.values()
                return [KeyInfo(key.key_id, key.scopes, key.label, key.issued_at) for key in keys]
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
        tenant, now, key = Tenant(tenant_id), self._clock.utc(), _new_key()
        registered = tenants.register(tenant, name, now)
        if isinstance(registered, Refused):
            return registered
        issued = tenants.issue_key(reduce(tenants.evolve, registered, tenant), key, scopes, label, now)
        if isinstance(issued, Refused):
            return issued
        return self._record(
            tenant, (*registered, *issued), lambda at: TenantKey(tenant_id, name, key.key_id, key.text, at)
        )

    def _issue(self, message: IssueKey) -> Any:
        tenant, key = self._tenant(message.tenant_id), _new_key()
        decision = tenants.issue_key(tenant, key, message.scopes, message.label, self._clock.utc())
        if isinstance(decision, Refused):
            return decision
        name = tenant.name or ""
        return self._record(tenant, decision, lambda at: TenantKey(tenant.tenant_id, name, key.key_id, key.text, at))

    def _revoke(self, message: RevokeKey) -> Any:
        tenant = self._tenant(message.tenant_id)
        decision = tenants.revoke_key(tenant, message.key_id, self._clock.utc())
        return decision if isinstance(decision, Refused) else self._record(tenant, decision, lambda at: at)

    def _weigh(self, message: WeighTenant) -> Any:
        tenant = self._tenant(message.tenant_id)
        decision = tenants.weigh(tenant, message.weight, message.by, message.reason, self._clock.utc())
        if isinstance(decision, Refused):
            return decision
        if not decision:
            return _info(tenant)
        return self._record(tenant, decision, lambda at: _info(self._tenant(message.tenant_id), at))

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
            else:
                removal.then(position)

        self.beside(removals.tried(removal.removed), tried)

    def _is_listed(self, tenant_id: str, after: str = "") -> bool:
        """The operator is no tenant like others: it has no bots."""
        tenant = self._tenant(tenant_id)
        return tenant.name is not None and after < tenant_id != tenants.OPERATOR

    def _found_operator(self) -> Any:
        if any(Scope.ADMIN in key.scopes for key in self._tenant(tenants.OPERATOR).keys.values()):
            return None
        return self.on_receive(IssueKey(tenants.OPERATOR, (Scope.ADMIN,), "first"))

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


def _new_key() -> tenants.NewKey:
    key_id = "".join(secrets.choice(KEY_ALPHABET) for _ in range(12))
    return tenants.written_key(key_id, secrets.token_bytes(32))
