"""`/admin/system/retention`: what is kept, and dropping the rest now."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import DescribeRetention, RetentionReport, RetentionState, RunRetention
from domain.tenant import Scope
from gateway.answers import answer
from gateway.asking import asked, reply_of
from gateway.auditing import on_record
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.reasons import Perhaps, reason_if_any
from gateway.routing import at

WAIT_S = 20.0
"""Then whoever asked for it has to look how it goes on."""
STATE = {"days": int, "running": bool, "last_run": RetentionReport | None}


class RetentionRoutes:
    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._doors = doors
        self._gate = gate

    def routes(self) -> list[Route]:
        return [at("/admin/system/retention", GET=self.shown, POST=self.run)]

    @operation("What is kept", scopes=(Scope.ADMIN,), answers={200: STATE, 202: STATE})
    async def shown(self, request: Request) -> Response:
        self._gate.admin(request)
        return await self._told()

    @operation(
        "Drop what is too old now",
        scopes=(Scope.ADMIN,),
        body=Perhaps,
        needs_body=False,
        answers={200: STATE, 202: STATE},
    )
    async def run(self, request: Request) -> Response:
        """Answered when it is done, or with 202 while it goes on."""
        caller = self._gate.admin(request)
        reason = await reason_if_any(request, self._doors.options.max_body_bytes)
        async with on_record(self._doors.audit, request, caller, "retention.run", "log", reason):
            # One that runs already is as good as one that begins.
            with suppress(TimeoutError):
                await reply_of(self._doors.retention, RunRetention(caller.by), WAIT_S)
        return await self._told()

    async def _told(self) -> Response:
        state: RetentionState = await asked(self._doors.retention, DescribeRetention())
        days = self._doors.options.retention_days
        return answer(
            {"days": days, "running": state.running, "last_run": state.last_run}, 202 if state.running else 200
        )
