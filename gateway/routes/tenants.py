"""Who may send how much: the tenants and their shares, and the limits of the whole fleet. For admins."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import DescribeLimits, DescribeTenant, Limits, ListTenants, RemoveTenant, TenantInfo, WeighTenant
from domain.tenant import WEIGHT_MAX, Scope
from gateway import bodies, reasons
from gateway.answers import answer, nothing
from gateway.asking import asked
from gateway.auditing import on_record
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.limits import OfCallers
from gateway.operations import operation
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


class Tenants:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at("/admin/tenants", GET=self.listed),
            at("/admin/tenants/{tenant_id}", GET=self.shown, PATCH=self.weigh, DELETE=self.remove),
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

    @operation("The limits of the fleet", scopes=(Scope.ADMIN,), answers={200: LIMITS})
    async def limits(self, request: Request) -> Response:
        """What is set, whether other processes share it now, how many wait for it; and the same of callers."""
        self._gate.admin(request)
        found: Limits = await asked(self._doors.fleet, DescribeLimits())
        return answer({**msgspec.structs.asdict(found), "callers": self._doors.limits.told()})


def _tenant_id(request: Request) -> str:
    return str(request.path_params["tenant_id"])[:MAX_ID]
