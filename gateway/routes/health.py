"""How bots are: one's own for a tenant, all of them and the system itself for an admin."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import DescribeAlerts, DescribeFleet, FleetState
from domain.events import AlertRaised
from domain.rules.health import Health
from domain.tenant import Scope
from gateway.answers import answer
from gateway.asking import asked
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.queries import Whole, limit_of
from gateway.reading import OF_A_MOMENT, Reads, bot_id_in
from gateway.routes.bots import owned_bot
from gateway.routing import at
from projections.control import Status
from projections.health import BotHealth, HealthSummary, all_health, health_of, summary

LIMIT = limit_of(100, 1000)
AFTER = Whole("after", "A bot's id: those with higher ones.")


class OpenAlert(msgspec.Struct):
    kind: str
    bot_id: int
    tenant_id: str
    detail: str
    since: datetime


class HealthRoutes:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at("/api/bots/{bot_id}/health", GET=self.own),
            at("/admin/system/stats", GET=self.stats),
            # The literal ones first: a bot's id is whatever follows.
            at("/admin/system/bot-health/summary", GET=self.summary),
            at("/admin/system/bot-health/unhealthy", GET=self.unhealthy),
            at("/admin/system/bot-health/{bot_id}", GET=self.any_bot),
        ]

    @operation(
        "A bot's health",
        scopes=(Scope.TENANT,),
        parameters=OF_A_MOMENT,
        answers={200: BotHealth},
        problems=("bot_unverified",),
    )
    async def own(self, request: Request) -> Response:
        caller = self._gate.caller(request)
        bot_id = bot_id_in(request.path_params["bot_id"])
        await owned_bot(self._reads, await self._reads.seen("bots", caller, request), bot_id)
        found, position = await self._found(request, caller, bot_id)
        if found.tenant_id != caller.tenant_id:
            # It has changed hands between the two looks.
            raise Problem("not_found", "There is no such bot. GET /api/bots lists yours.")
        return answer(found, position=position)

    @operation("Any bot's health", scopes=(Scope.ADMIN,), parameters=OF_A_MOMENT, answers={200: BotHealth})
    async def any_bot(self, request: Request) -> Response:
        bot_id = bot_id_in(request.path_params["bot_id"])
        found, position = await self._found(request, self._gate.admin(request), bot_id)
        return answer(found, position=position)

    @operation("The fleet's health", scopes=(Scope.ADMIN,), parameters=OF_A_MOMENT, answers={200: HealthSummary})
    async def summary(self, request: Request) -> Response:
        seen = await self._reads.seen("health", self._gate.admin(request), request)
        found, position = await self._reads.ask(seen, summary, self._reads.now(seen))
        return answer(found, position=position)

    @operation(
        "Bots that are unhealthy",
        scopes=(Scope.ADMIN,),
        parameters=(LIMIT, AFTER, *OF_A_MOMENT),
        answers={200: {"bots": list[BotHealth]}},
    )
    async def unhealthy(self, request: Request) -> Response:
        seen = await self._reads.seen("health", self._gate.admin(request), request)
        limit = LIMIT.of(request)
        after = AFTER.of(request)
        bots, position = await self._reads.ask(
            seen, all_health, self._reads.now(seen), Health.UNHEALTHY, limit=limit, after_bot_id=after
        )
        return answer({"bots": bots}, position=position)

    @operation(
        "The system itself",
        scopes=(Scope.ADMIN,),
        answers={
            200: {
                "version": str,
                "fleet": FleetState,
                "projections": list[Status],
                "webhooks": dict[str, int],
                "admins_refused": int,
                "alerts": list[OpenAlert],
            }
        },
    )
    async def stats(self, request: Request) -> Response:
        self._gate.admin(request)
        fleet: FleetState = await asked(self._doors.fleet, DescribeFleet())
        alerts: list[AlertRaised] = await asked(self._doors.alerts, DescribeAlerts())
        projections = await asyncio.to_thread(self._doors.projections.statuses)
        told = {"version": self._doors.options.version, "fleet": fleet, "projections": projections}
        told["webhooks"] = self._doors.doorstep.counted()
        told["admins_refused"] = self._gate.admins_refused
        return answer({**told, "alerts": [_open(alert) for alert in alerts]})

    async def _found(self, request: Request, caller: Caller, bot_id: int) -> tuple[BotHealth, int]:
        seen = await self._reads.seen("health", caller, request)
        found, position = await self._reads.ask(seen, health_of, bot_id, self._reads.now(seen))
        return _there(found), position


def _open(alert: AlertRaised) -> OpenAlert:
    return OpenAlert(alert.kind, alert.bot_id, alert.tenant_id, alert.detail, alert.occurred_at)


def _there(found: BotHealth | None) -> BotHealth:
    if found is None:
        raise Problem("not_found", "There is no bot with this id.")
    return found
