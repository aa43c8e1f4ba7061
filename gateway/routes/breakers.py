"""`/admin/system/circuit-breakers`: who is shut off from Telegram, and an admin's hand on it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import BotChanged, BreakerState, DescribeBreaker, SetBreaker
from domain.tenant import Scope
from gateway.answers import answer
from gateway.asking import asked
from gateway.auditing import on_record
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.reading import OF_A_MOMENT, Reads, bot_id_in
from gateway.reasons import Why, reason_of
from gateway.routing import at
from projections.health import Breakers as FleetBreakers
from projections.health import breakers

PREFIX = "/admin/system/circuit-breakers"
ADMIN = (Scope.ADMIN,)


class Breakers:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at(f"{PREFIX}/summary", GET=self.summary),
            at(f"{PREFIX}/{{bot_id}}", GET=self.shown),
            at(f"{PREFIX}/{{bot_id}}/open", POST=self.force_open),
            at(f"{PREFIX}/{{bot_id}}/reset", POST=self.reset),
        ]

    @operation("Which breakers are not closed", scopes=ADMIN, parameters=OF_A_MOMENT, answers={200: FleetBreakers})
    async def summary(self, request: Request) -> Response:
        """How many are in each phase, and which are not closed."""
        found, position = await self._reads.ask(
            await self._reads.seen("health", self._gate.admin(request), request), breakers
        )
        return answer(found, position=position)

    @operation("A bot's breaker", scopes=ADMIN, answers={200: BreakerState})
    async def shown(self, request: Request) -> Response:
        self._gate.admin(request)
        state: BreakerState = await asked(self._doors.fleet, DescribeBreaker(bot_id_in(request.path_params["bot_id"])))
        return answer(state)

    @operation("Shut a bot off", scopes=ADMIN, body=Why, answers={200: BreakerState})
    async def force_open(self, request: Request) -> Response:
        """Nothing of this bot leaves until it is reset, whoever registers it or takes it over meanwhile."""
        return await self._set(request, is_open=True)

    @operation("Let a bot send again", scopes=ADMIN, body=Why, answers={200: BreakerState})
    async def reset(self, request: Request) -> Response:
        return await self._set(request, is_open=False)

    async def _set(self, request: Request, *, is_open: bool) -> Response:
        caller = self._gate.admin(request)
        bot_id = bot_id_in(request.path_params["bot_id"])
        reason = await reason_of(request, self._doors.options.max_body_bytes)
        action = "breaker.open" if is_open else "breaker.reset"
        async with on_record(self._doors.audit, request, caller, action, bot_id, reason):
            changed: BotChanged = await asked(self._doors.fleet, SetBreaker(bot_id, is_open, reason))
        self._reads.wrote(caller.tenant_id, changed.position)
        state: BreakerState = await asked(self._doors.fleet, DescribeBreaker(bot_id))
        return answer(state, position=changed.position)
