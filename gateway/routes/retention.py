"""`/admin/system/retention`: what is kept, and dropping the rest now."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import DescribeRetention, RetentionReport, RunRetention
from domain.tenant import Scope
from gateway.answers import answer
from gateway.asking import asked
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.routing import at

RUN_S = 3600.0


class RetentionRoutes:
    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._doors = doors
        self._gate = gate

    def routes(self) -> list[Route]:
        return [at("/admin/system/retention", GET=self.shown, POST=self.run)]

    async def shown(self, request: Request) -> Response:
        self._gate.admitted(request.headers.get("authorization"), Scope.ADMIN)
        last: RetentionReport | None = await asked(self._doors.retention, DescribeRetention())
        return answer({"days": self._doors.options.retention_days, "last_run": last})

    async def run(self, request: Request) -> Response:
        caller = self._gate.admitted(request.headers.get("authorization"), Scope.ADMIN)
        report: RetentionReport = await asked(self._doors.retention, RunRetention(caller.key_id or "operator"), RUN_S)
        return answer(report)
