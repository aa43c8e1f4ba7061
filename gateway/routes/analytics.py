"""How much bots are used and what went wrong: of one bot, of one's own, and for analysts of the whole fleet.

Each question is there twice: under a bot, and under `/api/analytics` with `bot_id` and `tenant_id` to choose by. Usage
is history: of a bot that is gone its former owner still sees what was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.tenant import Scope
from gateway.answers import answer
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.operations import Described, Shape, operation
from gateway.problems import Problem
from gateway.queries import BOT_ID, TEXT, Choice, Parameter, Whole, limit_of
from gateway.ranges import BY, OF_DAYS, by_in_query, span_in_query
from gateway.reading import OF_A_MOMENT, Reads, Seen, bot_id_in
from gateway.routing import at
from projections import usage
from projections.bots import is_known

READERS = (Scope.TENANT, Scope.ANALYST, Scope.ADMIN)
MAX_TENANT_ID = 64
LIMIT = limit_of(20, 100)
OFFSET = Whole("offset", "The `next_offset` of the page before.", 0, most=100_000)
SORT = Choice("sort", "The largest number of these first; of requests, unless said.", usage.Sort)
BOT = Parameter("bot_id", "Of this bot alone.", BOT_ID, problems=("not_found",))
TENANT = Parameter("tenant_id", "Of this tenant alone; a tenant's key sees its own.", TEXT)

Question = Callable[[Request, Seen, usage.Whose], Awaitable[Response]]
Handler = Callable[[Request], Awaitable[Response]]


class Kind(NamedTuple):
    """Of question: what it is about, what it takes beyond whose, what is answered."""

    about: str
    parameters: tuple[Described, ...]
    answer: Shape

    def of_a_bot(self, handler: Handler) -> Handler:
        told = operation(
            f"{self.about}, of a bot",
            scopes=READERS,
            parameters=(*self.parameters, *OF_A_MOMENT),
            answers={200: self.answer},
        )
        return told(handler)

    def of_many(self, handler: Handler) -> Handler:
        told = operation(
            f"{self.about}, of many bots",
            scopes=READERS,
            parameters=(BOT, TENANT, *self.parameters, *OF_A_MOMENT),
            answers={200: self.answer},
        )
        return told(handler)


SUMMARY = Kind("Usage at a glance", (), usage.Summary)
TRENDS = Kind("Usage over time", (*OF_DAYS, BY), usage.Trends)
ERRORS = Kind("What went wrong", (*OF_DAYS, LIMIT, OFFSET), usage.Errors)
CHATS = Kind(
    "Usage by chat",
    (*OF_DAYS, LIMIT, OFFSET, SORT),
    {"chats": list[usage.ChatUsage], "next_offset": int | None},
)
METHODS = Kind(
    "Usage by method",
    (*OF_DAYS, LIMIT, OFFSET, SORT),
    {"methods": list[usage.MethodUsage], "next_offset": int | None},
)
TENANTS = Kind("Tenants by how much their error rate rose", (*OF_DAYS, LIMIT, OFFSET), usage.Tenants)


class Analytics:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        questions = {
            "summary": (SUMMARY, self._summary),
            "trends": (TRENDS, self._trends),
            "errors": (ERRORS, self._errors),
            "chats": (CHATS, self._chats),
            "methods": (METHODS, self._methods),
        }
        return [
            *(
                at(f"/api/bots/{{bot_id}}/analytics/{name}", GET=kind.of_a_bot(self._of_a_bot(ask)))
                for name, (kind, ask) in questions.items()
            ),
            *(
                at(f"/api/analytics/{name}", GET=kind.of_many(self._of_many(ask)))
                for name, (kind, ask) in questions.items()
            ),
            at("/api/analytics/tenants", GET=TENANTS.of_many(self._of_many(self._tenants))),
        ]

    def _of_a_bot(self, ask: Question) -> Handler:
        async def handler(request: Request) -> Response:
            caller = self._reader(request)
            bot_id = bot_id_in(request.path_params["bot_id"])
            whose = usage.Whose(None if caller.reads_all else caller.tenant_id, bot_id)
            if not await self._known(caller, whose, bot_id):
                raise Problem("not_found", "There is no such bot. GET /api/bots lists yours.")
            return await ask(request, await self._reads.seen("usage", caller, request), whose)

        return handler

    def _of_many(self, ask: Question) -> Handler:
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
        return self._gate.caller(request)


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
        LIMIT.of(request),
        OFFSET.of(request),
    )


def _sort(request: Request) -> usage.Sort:
    return SORT.of(request, usage.Sort.REQUESTS)
