"""`/api/notices`: what a tenant should know, listed, and posted to an address of its choice."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import ListNotices, NoticeEndpoint, NoticeInfo, SetNoticeEndpoint
from domain.tenant import Scope
from gateway import bodies
from gateway.answers import answer, nothing
from gateway.asking import asked
from gateway.auth import Caller, Gate
from gateway.callbacks import check_url
from gateway.doors import Doors
from gateway.operations import operation
from gateway.queries import Whole, limit_of
from gateway.routing import at

LIMIT = limit_of(50, 500)
AFTER = Whole("after", "A position: those that were given later, the oldest first. Without it, the newest.")


class Endpoint(bodies.Body, frozen=True):
    url: str


class Notices:
    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._doors = doors
        self._gate = gate

    def routes(self) -> list[Route]:
        return [
            at("/api/notices", GET=self.listed),
            at("/api/notices/endpoint", PUT=self.set, DELETE=self.remove),
        ]

    @operation(
        "Your notices",
        scopes=(Scope.TENANT,),
        parameters=(AFTER, LIMIT),
        answers={200: {"notices": list[NoticeInfo], "next": int | None}},
    )
    async def listed(self, request: Request) -> Response:
        """The newest ones, or those after a position; the oldest of them first."""
        caller = self._caller(request)
        after = AFTER.perhaps_of(request)
        asking = ListNotices(caller.tenant_id, after, LIMIT.of(request))
        found: list[NoticeInfo] = await asked(self._doors.notices, asking)
        return answer({"notices": found, "next": found[-1].position if found else after})

    @operation("Have notices posted", scopes=(Scope.TENANT,), body=Endpoint, answers={200: {"url": str, "secret": str}})
    async def set(self, request: Request) -> Response:
        """With a secret that signs what is posted; it can be read in this answer alone."""
        caller = self._caller(request)
        body = await bodies.of_request(request, Endpoint, self._doors.options.max_body_bytes)
        check_url("url", body.url, self._doors.options)
        made: NoticeEndpoint = await asked(self._doors.notices, SetNoticeEndpoint(caller.tenant_id, body.url))
        return answer({"url": made.url, "secret": made.secret}, position=made.position)

    @operation("Have notices posted no more", scopes=(Scope.TENANT,), answers={204: None})
    async def remove(self, request: Request) -> Response:
        caller = self._caller(request)
        made: NoticeEndpoint = await asked(self._doors.notices, SetNoticeEndpoint(caller.tenant_id, None))
        return nothing(position=made.position)

    def _caller(self, request: Request) -> Caller:
        return self._gate.caller(request)
