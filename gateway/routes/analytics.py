"""How much bots are used and what went wrong: of one bot, of one's own, and for analysts of the whole fleet.

Each question is there twice: under a bot, and under `/api/analytics` with `bot_id` and `tenant_id` to choose by. Usage
is history: of a bot that is gone its former owner still sees what was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.tenant import Scope
from gateway.answers import answer
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.problems import Problem
from gateway.ranges import by_in_query, choice_in_query, span_in_query
from gateway.reading import Reads, Seen, bot_id_in, number_in_query
from gateway.routing import at
from projections import usage
from projections.bots import is_known

READERS = (Scope.TENANT, Scope.ANALYST, Scope.ADMIN)
PAGE, PAGE_MAX = 20, 100
OFFSET_MAX = 100_000
MAX_TENANT_ID = 64

Question = Callable[[Request, Seen, usage.Whose], Awaitable[Response]]


class Analytics:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        questions = {
            "summary": self._summary,
            "trends": self._trends,
            "errors": self._errors,
            "chats": self._chats,
            "methods": self._methods,
        }
        return [
            *(at(f"/api/bots/{{bot_id}}/analytics/{name}", GET=self._of_a_bot(ask)) for name, ask in questions.items()),
            *(at(f"/api/analytics/{name}", GET=self._of_many(ask)) for name, ask in questions.items()),
            at("/api/analytics/tenants", GET=self._of_many(self._tenants)),
        ]

    def _of_a_bot(self, ask: Question) -> Callable[[Request], Awaitable[Response]]:
        async def handler(request: Request) -> Response:
            caller = self._reader(request)
            bot_id = bot_id_in(request.path_params["bot_id"])
            whose = usage.Whose(None if caller.reads_all else caller.tenant_id, bot_id)
            if not await self._known(caller, whose, bot_id):
                raise Problem("not_found", "There is no such bot. GET /api/bots lists yours.")
            return await ask(request, await self._reads.seen("usage", caller, request), whose)

        return handler

    def _of_many(self, ask: Question) -> Callable[[Request], Awaitable[Response]]:
        async def handler(request: Request) -> Response:
            caller = self._reader(request)
            return await ask(request, await self._reads.seen("usage", caller, request), _chosen(request, caller))

        return handler

    async def _known(self, caller: Caller, whose: usage.Whose, bot_id: int) -> bool:
        """It is somebody's now, or was used before."""
        registered, _ = await self._reads.ask(Seen("bots", caller, 0), is_known, whose.tenant_id, bot_id)
        if registered:
            return True
        used, _ = await self._reads.ask(Seen("usage", caller, 0), usage.is_used, whose)
        return used

    async def _summary(self, _: Request, seen: Seen, whose: usage.Whose) -> Response:
        found, position = await self._reads.ask(seen, usage.summary, whose, self._reads.now(seen))
        return answer(found, position=position)

    async def _trends(self, request: Request, seen: Seen, whose: usage.Whose) -> Response:
        now = self._reads.now(seen)
        span = span_in_query(request, now)
        by = by_in_query(request, span)
        found, position = await self._reads.ask(seen, usage.trends, whose, span, by, now)
        return answer(found, position=position)

    async def _errors(self, request: Request, seen: Seen, whose: usage.Whose) -> Response:
        now = self._reads.now(seen)
        span, cut = span_in_query(request, now), _slice(request)
        found, position = await self._reads.ask(seen, usage.errors, whose, span, cut, now)
        return answer(found, position=position)

    async def _chats(self, request: Request, seen: Seen, whose: usage.Whose) -> Response:
        span, cut, sort = span_in_query(request, self._reads.now(seen)), _slice(request), _sort(request)
        found, position = await self._reads.ask(seen, usage.chats, whose, span, cut, sort)
        return answer({"chats": found.rows, "next_offset": found.next_offset}, position=position)

    async def _methods(self, request: Request, seen: Seen, whose: usage.Whose) -> Response:
        span, cut, sort = span_in_query(request, self._reads.now(seen)), _slice(request), _sort(request)
        found, position = await self._reads.ask(seen, usage.methods, whose, span, cut, sort)
        return answer({"methods": found.rows, "next_offset": found.next_offset}, position=position)

    async def _tenants(self, request: Request, seen: Seen, whose: usage.Whose) -> Response:
        span, cut = span_in_query(request, self._reads.now(seen)), _slice(request)
        found, position = await self._reads.ask(seen, usage.tenants, whose, span, cut)
        return answer(found, position=position)

    def _reader(self, request: Request) -> Caller:
        return self._gate.caller(request, *READERS)


def _chosen(request: Request, caller: Caller) -> usage.Whose:
    """A tenant's key reads its own, whatever it asks for."""
    bot = request.query_params.get("bot_id")
    tenant_id = request.query_params.get("tenant_id")
    if tenant_id is not None and not 0 < len(tenant_id) <= MAX_TENANT_ID:
        raise Problem("invalid_request", '"tenant_id" is no id of a tenant.')
    if not caller.reads_all:
        if tenant_id not in (None, caller.tenant_id):
            raise Problem("forbidden", "A tenant's key reads its own numbers. Leave tenant_id out.")
        tenant_id = caller.tenant_id
    return usage.Whose(tenant_id, None if bot is None else bot_id_in(bot))


def _slice(request: Request) -> usage.Slice:
    return usage.Slice(
        number_in_query(request, "limit", PAGE, least=1, most=PAGE_MAX),
        number_in_query(request, "offset", 0, least=0, most=OFFSET_MAX),
    )


def _sort(request: Request) -> usage.Sort:
    return choice_in_query(request, "sort", usage.Sort, usage.Sort.REQUESTS)
