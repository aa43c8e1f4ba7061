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
from gateway.reading import MAX_DIGITS, number_in_query
from gateway.routing import at

LIMIT, LIMIT_MAX = 50, 500


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

    async def listed(self, request: Request) -> Response:
        """The newest ones, or those after a position; the oldest of them first."""
        caller = self._caller(request)
        after = None
        if "after" in request.query_params:
            after = number_in_query(request, "after", 0, least=0, most=10**MAX_DIGITS)
        limit = number_in_query(request, "limit", LIMIT, least=1, most=LIMIT_MAX)
        found: list[NoticeInfo] = await asked(self._doors.notices, ListNotices(caller.tenant_id, after, limit))
        return answer({"notices": found, "next": found[-1].position if found else after})

    async def set(self, request: Request) -> Response:
        """With a secret that signs what is posted; it can be read in this answer alone."""
        caller = self._caller(request)
        body = await bodies.of_request(request, Endpoint, self._doors.options.max_body_bytes)
        check_url("url", body.url, self._doors.options)
        made: NoticeEndpoint = await asked(self._doors.notices, SetNoticeEndpoint(caller.tenant_id, body.url))
        return answer({"url": made.url, "secret": made.secret}, position=made.position)

    async def remove(self, request: Request) -> Response:
        caller = self._caller(request)
        made: NoticeEndpoint = await asked(self._doors.notices, SetNoticeEndpoint(caller.tenant_id, None))
        return nothing(position=made.position)

    def _caller(self, request: Request) -> Caller:
        return self._gate.caller(request, Scope.TENANT)
