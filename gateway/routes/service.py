"""What anybody may ask: whether it lives, whether it is ready, what it is."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import DescribeFleet, FleetState
from gateway.answers import answer
from gateway.asking import asked
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.routing import at
from projections.control import Status

READY_S = 2.0
READY = {"status": str, "wrong": list[str], "paused": list[str]}
LINKS = {
    "live": "/health/live",
    "ready": "/health/ready",
    "register": "/auth/register",
    "bots": "/api/bots",
    "commands": "/api/bots/{bot_id}/commands/{method}",
    "command": "/api/commands/{command_id}",
    "problems": "/problems/{code}",
    "docs": "/docs",
    "openapi": "/openapi.json",
}
RECORDED_S = 2.0
"""An event that has waited longer for the disk says that the store is away."""
LAG_S = 60.0
"""A view that is further behind misleads whoever reads it."""


class Service:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def routes(self) -> list[Route]:
        return [
            at("/", GET=self.introduced),
            at("/health/live", GET=self.live),
            at("/health/ready", GET=self.ready),
        ]

    @operation("What this is", answers={200: {"service": str, "version": str, "links": dict[str, str]}})
    async def introduced(self, _: Request) -> Response:
        return answer({"service": "Botloft", "version": self._doors.options.version, "links": LINKS})

    @operation("Whether it lives", answers={200: {"status": str}})
    async def live(self, _: Request) -> Response:
        return answer({"status": "live"})

    @operation("Whether it is ready", answers={200: READY, 503: READY})
    async def ready(self, _: Request) -> Response:
        """For a load balancer. Names what is wrong; why is for the operator, in stats and the log."""
        projections = await asyncio.to_thread(self._doors.projections.statuses)
        paused = [status.name for status in projections if status.paused is not None]
        wrong = [trouble for status in projections if (trouble := _trouble_of(status))]
        wrong += self._doors.troubles()
        if trouble := await self._trouble_of_fleet():
            wrong.insert(0, trouble)
        if wrong:
            return answer({"status": "not_ready", "wrong": wrong, "paused": paused}, 503, headers={"Retry-After": "1"})
        return answer({"status": "ready", "wrong": [], "paused": paused})

    async def _trouble_of_fleet(self) -> str | None:
        try:
            fleet: FleetState = await asked(self._doors.fleet, DescribeFleet(), READY_S)
        except Problem:
            return "the fleet does not answer"
        if fleet.draining:
            return "the fleet is draining"
        return "the event store takes no events" if fleet.unrecorded_s > RECORDED_S else None


def _trouble_of(status: Status) -> str | None:
    """One that somebody paused is behind on purpose."""
    if status.paused is not None:
        return None
    if status.error is not None:
        return f"the projection {status.name} stands still"
    if status.events_behind is None:
        return "the event log does not answer"
    behind_s = status.lag_s or 0.0
    return f"the projection {status.name} is {behind_s:.0f} s behind" if behind_s > LAG_S else None
