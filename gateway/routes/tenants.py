"""The tenants, their shares and their keys, and the limits of the whole fleet. For admins."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import (
    DescribeLimits,
    DescribeTenant,
    KeyInfo,
    Limits,
    ListKeys,
    ListTenants,
    Notify,
    RemoveTenant,
    RevokeKey,
    TenantInfo,
    TenantKey,
    WeighTenant,
)
from domain.tenant import WEIGHT_MAX, Scope
from gateway import bodies, new_keys, reasons
from gateway.answers import answer, nothing
from gateway.asking import asked
from gateway.auditing import on_record
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.limits import OfCallers
from gateway.new_keys import ISSUED, KeyWish
from gateway.operations import operation
from gateway.problems import Problem
from gateway.queries import TEXT, Parameter, limit_of
from gateway.reading import Reads
from gateway.routing import at
from gateway.schemas import like

LIMIT = limit_of(100, 1000)
AFTER = Parameter("after", "A tenant's id: those behind it.", TEXT, problems=())
MAX_ID = 64
LIMITS = like(Limits, "AllLimits", callers=OfCallers)


class NewWeight(reasons.Why, frozen=True, kw_only=True):
    weight: Annotated[int, msgspec.Meta(ge=1, le=WEIGHT_MAX)]


class KeyForTenant(KeyWish, frozen=True, kw_only=True):
    reason: str


class Tenants:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at("/admin/tenants", GET=self.listed),
            at("/admin/tenants/{tenant_id}", GET=self.shown, PATCH=self.weigh, DELETE=self.remove),
            at("/admin/tenants/{tenant_id}/keys", GET=self.keys, POST=self.issue_key),
            at("/admin/tenants/{tenant_id}/keys/{key_id}", DELETE=self.revoke_key),
            at("/admin/system/rate-limiter", GET=self.limits),
        ]

    @operation(
        "All tenants", scopes=(Scope.ADMIN,), parameters=(LIMIT, AFTER), answers={200: {"tenants": list[TenantInfo]}}
    )
    async def listed(self, request: Request) -> Response:
        """By their ids; `?after=<tenant_id>` goes on behind one of them."""
        self._gate.admin(request)
        limit = LIMIT.of(request)
        after = request.query_params.get("after", "")[:MAX_ID]
        found: list[TenantInfo] = await asked(self._doors.accounts, ListTenants(after, limit))
        return answer({"tenants": found})

    @operation("A tenant", scopes=(Scope.ADMIN,), answers={200: TenantInfo})
    async def shown(self, request: Request) -> Response:
        self._gate.admin(request)
        found: TenantInfo = await asked(self._doors.accounts, DescribeTenant(_tenant_id(request)))
        return answer(found)

    @operation("Give a tenant another weight", scopes=(Scope.ADMIN,), body=NewWeight, answers={200: TenantInfo})
    async def weigh(self, request: Request) -> Response:
        caller = self._gate.admin(request)
        body = await bodies.of_request(request, NewWeight, self._doors.options.max_body_bytes)
        reason = reasons.line(body.reason)
        message = WeighTenant(_tenant_id(request), body.weight, "admin", reason)
        async with on_record(self._doors.audit, request, caller, "tenant.weigh", message.tenant_id, reason):
            changed: TenantInfo = await asked(self._doors.accounts, message)
        self._reads.wrote(caller.tenant_id, changed.position)
        return answer(changed, position=changed.position)

    @operation(
        "Remove a tenant",
        scopes=(Scope.ADMIN,),
        parameters=(reasons.IN_QUERY,),
        body=reasons.Why,
        needs_body=False,
        answers={204: None},
    )
    async def remove(self, request: Request) -> Response:
        """For good: its keys, its bots, and the key without which nothing of its data can be read."""
        caller = self._gate.admin(request)
        reason = await reasons.reason_for_removal(request, self._doors.options.max_body_bytes)
        message = RemoveTenant(_tenant_id(request), "admin", reason)
        async with on_record(self._doors.audit, request, caller, "tenant.remove", message.tenant_id, reason):
            position: int = await asked(self._doors.accounts, message)
        self._reads.wrote(caller.tenant_id, position)
        return nothing(position=position)

    @operation("A tenant's keys", scopes=(Scope.ADMIN,), answers={200: {"keys": list[KeyInfo]}})
    async def keys(self, request: Request) -> Response:
        self._gate.admin(request)
        tenant_id = _tenant_id(request)
        await self._is_there(tenant_id)
        found: list[KeyInfo] = await asked(self._doors.accounts, ListKeys(tenant_id))
        return answer({"keys": found})

    @operation("Make a tenant a key", scopes=(Scope.ADMIN,), body=KeyForTenant, answers={201: ISSUED})
    async def issue_key(self, request: Request) -> Response:
        """With the scope tenant; for one whose last key has expired or is lost. The tenant is told by a notice.

        It can be read in this answer alone: hand it over in private.
        """
        caller = self._gate.admin(request)
        body = await bodies.of_request(request, KeyForTenant, self._doors.options.max_body_bytes)
        reason = reasons.line(body.reason)
        message = new_keys.issuing(_tenant_id(request), (Scope.TENANT,), body, self._doors.clock.utc())
        target = f"{message.tenant_id}: {message.label}"
        async with on_record(self._doors.audit, request, caller, "key.issue", target, reason):
            await self._is_there(message.tenant_id)
            made: TenantKey = await asked(self._doors.accounts, message)
        told = f'An operator has made the key {made.key_id} ("{made.label}") for you: {reason}.'
        await self._notify(made.tenant_id, "key_issued", told)
        self._reads.wrote(caller.tenant_id, made.position)
        return new_keys.issued(made)

    @operation(
        "Revoke a tenant's key",
        scopes=(Scope.ADMIN,),
        parameters=(reasons.IN_QUERY,),
        body=reasons.Why,
        needs_body=False,
        answers={204: None},
    )
    async def revoke_key(self, request: Request) -> Response:
        """It opens nothing from now on. The last key stays: make another first. The tenant is told by a notice."""
        caller = self._gate.admin(request)
        reason = await reasons.reason_for_removal(request, self._doors.options.max_body_bytes)
        message = RevokeKey(_tenant_id(request), str(request.path_params["key_id"])[:MAX_ID])
        async with on_record(self._doors.audit, request, caller, "key.revoke", message.key_id, reason):
            await self._is_there(message.tenant_id)
            key = self._doors.find_key(message.key_id)
            if key is None or key.tenant_id != message.tenant_id:
                lists = f"GET /admin/tenants/{message.tenant_id}/keys lists its keys."
                raise Problem("not_found", f"This tenant has no such key. {lists}")
            position: int = await asked(self._doors.accounts, message)
        told = f'An operator has revoked your key {key.key_id} ("{key.label}"): {reason}.'
        await self._notify(message.tenant_id, "key_revoked", told)
        self._reads.wrote(caller.tenant_id, position)
        return nothing(position=position)

    @operation("The limits of the fleet", scopes=(Scope.ADMIN,), answers={200: LIMITS})
    async def limits(self, request: Request) -> Response:
        """What is set, whether other processes share it now, how many wait for it; and the same of callers."""
        self._gate.admin(request)
        found: Limits = await asked(self._doors.fleet, DescribeLimits())
        return answer({**msgspec.structs.asdict(found), "callers": self._doors.limits.told()})

    async def _is_there(self, tenant_id: str) -> None:
        """Raises a problem: neither a removed one nor the operator is a tenant here."""
        await asked(self._doors.accounts, DescribeTenant(tenant_id))

    async def _notify(self, tenant_id: str, kind: str, detail: str) -> None:
        # It is done and cannot be told twice: an answer with a key must not be lost for want of a notice.
        with suppress(Problem):
            await asked(self._doors.notices, Notify(tenant_id, kind, detail))


def _tenant_id(request: Request) -> str:
    return str(request.path_params["tenant_id"])[:MAX_ID]
