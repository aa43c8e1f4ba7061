"""How bots did over time, and what went wrong when."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import StoreError
from domain.tenant import Scope
from gateway.answers import answer
from gateway.auditing import on_record
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.periods import OF_A_PERIOD, span_in
from gateway.problems import Problem
from gateway.queries import Choice, Whole, limit_of
from gateway.reading import LOG_AWAY, OF_A_MOMENT, Reads, bot_id_in
from gateway.reasons import Perhaps, reason_if_any
from gateway.routes.bots import owned_bot
from gateway.routing import at
from projections.history import History, Incidents, Kind, history_of, incidents

PREFIX = "/admin/system/bot-health"
LIMIT = limit_of(100, 1000)
BOT = Whole("bot_id", "Of this bot alone.", least=1)
BEFORE = Whole("before", "The `next` of the page before.")
KIND = Choice("kind", "Incidents of this kind alone.", Kind)
PERSIST_S = 10.0


class HistoryRoutes:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at("/api/bots/{bot_id}/history", GET=self.own),
            at(f"{PREFIX}/history/{{bot_id}}", GET=self.any_bot),
            at(f"{PREFIX}/unhealthy-history", GET=self.unhealthy),
            at(f"{PREFIX}/persist-now", POST=self.persist_now),
        ]

    @operation(
        "A bot's history",
        scopes=(Scope.TENANT,),
        parameters=(*OF_A_PERIOD, *OF_A_MOMENT),
        answers={200: History},
        problems=("bot_unverified",),
    )
    async def own(self, request: Request) -> Response:
        """Since it is this tenant's: what a former owner did with it is not told."""
        caller = self._gate.caller(request)
        bot_id = bot_id_in(request.path_params["bot_id"])
        await owned_bot(self._reads, await self._reads.seen("bots", caller, request), bot_id)
        return await self._history(request, caller, bot_id, caller.tenant_id)

    @operation(
        "Any bot's history", scopes=(Scope.ADMIN,), parameters=(*OF_A_PERIOD, *OF_A_MOMENT), answers={200: History}
    )
    async def any_bot(self, request: Request) -> Response:
        return await self._history(request, self._gate.admin(request), bot_id_in(request.path_params["bot_id"]), None)

    @operation(
        "What went wrong when",
        scopes=(Scope.ADMIN,),
        parameters=(*OF_A_PERIOD, BOT, KIND, LIMIT, BEFORE, *OF_A_MOMENT),
        answers={200: Incidents},
    )
    async def unhealthy(self, request: Request) -> Response:
        seen = await self._reads.seen("history", self._gate.admin(request), request)
        now = self._reads.now(seen)
        found, position = await self._reads.ask(
            seen,
            incidents,
            span_in(request, now),
            now,
            bot_id=BOT.perhaps_of(request),
            kind=KIND.perhaps_of(request),
            limit=LIMIT.of(request),
            before=BEFORE.of(request) or None,
        )
        return answer(found, position=position)

    @operation(
        "Bring all views up to date",
        scopes=(Scope.ADMIN,),
        body=Perhaps,
        needs_body=False,
        answers={200: {"position": int}},
    )
    async def persist_now(self, request: Request) -> Response:
        """Answered when all views have come to where the log is now, and a checkpoint of them is kept."""
        caller = self._gate.admin(request)
        reason = await reason_if_any(request, self._doors.options.max_body_bytes)
        async with on_record(self._doors.audit, request, caller, "views.persist", "all", reason):
            newest = await self._persisted()
        return answer({"position": newest}, position=newest)

    async def _persisted(self) -> int:
        runner = self._doors.runner
        try:
            newest = await asyncio.to_thread(runner.newest)
        except StoreError:
            raise Problem("store_unavailable", LOG_AWAY, retry_after_s=1.0) from None
        if not await runner.wait_for(newest, PERSIST_S):
            raise Problem(
                "store_unavailable",
                f"The views are at position {runner.position()} and have not come to {newest} yet. "
                "GET /admin/system/stats tells whether one stands still.",
                retry_after_s=1.0,
            )
        await asyncio.to_thread(runner.checkpoint)
        return newest

    async def _history(self, request: Request, caller: Caller, bot_id: int, tenant_id: str | None) -> Response:
        seen = await self._reads.seen("history", caller, request)
        now = self._reads.now(seen)
        span = span_in(request, now)
        found, position = await self._reads.ask(seen, history_of, bot_id, span, now, tenant_id=tenant_id)
        if found is None:
            raise Problem("not_found", "There is no bot with this id.")
        return answer(found, position=position)
