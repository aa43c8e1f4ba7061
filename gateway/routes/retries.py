"""`/admin/system/retry-statistics`: what retrying brings, and counting anew."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import ResetRetryStatistics
from domain.bot import ADMIN as BY_ADMIN
from domain.tenant import Scope
from gateway import bodies, reasons
from gateway.answers import answer
from gateway.asking import asked
from gateway.auditing import on_record
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.reading import OF_A_MOMENT, Reads
from gateway.routes.history import BOT
from gateway.routing import at
from projections.retries import RetryStatistics, retry_statistics

PREFIX = "/admin/system/retry-statistics"
ADMIN = (Scope.ADMIN,)


class Reset(reasons.Why, frozen=True):
    bot_id: int | None = None


class Retries:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [at(PREFIX, GET=self.shown), at(f"{PREFIX}/reset", POST=self.reset)]

    @operation(
        "What retrying brings",
        scopes=ADMIN,
        parameters=(BOT, *OF_A_MOMENT),
        answers={200: RetryStatistics},
        problems=("not_found",),
    )
    async def shown(self, request: Request) -> Response:
        seen = await self._reads.seen("retries", self._gate.admin(request), request)
        bot_id = BOT.perhaps_of(request)
        found, position = await self._reads.ask(seen, retry_statistics, bot_id, self._reads.now(seen))
        if found is None:
            raise Problem("not_found", "There is no bot with this id.")
        return answer(found, position=position)

    @operation(
        "Count retries anew",
        scopes=ADMIN,
        parameters=(BOT,),
        body=Reset,
        answers={200: {"bot_id": int | None, "reason": str, "position": int}},
        problems=("not_found",),
    )
    async def reset(self, request: Request) -> Response:
        """Of one bot, or of all and the fleet. What was counted before is still in the log."""
        caller = self._gate.admin(request)
        body = await bodies.of_request(request, Reset, self._doors.options.max_body_bytes)
        reason = reasons.line(body.reason)
        bot_id = BOT.perhaps_of(request) if body.bot_id is None else body.bot_id
        target = "all" if bot_id is None else bot_id
        async with on_record(self._doors.audit, request, caller, "retry-statistics.reset", target, reason):
            position: int = await asked(self._doors.fleet, ResetRetryStatistics(bot_id, reason, BY_ADMIN))
        self._reads.wrote(caller.tenant_id, position)
        return answer({"bot_id": bot_id, "reason": reason, "position": position}, position=position)
