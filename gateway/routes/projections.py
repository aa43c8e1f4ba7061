"""`/admin/system/projections`: how the views are kept up, and an admin's hand on it.

What is done is recorded first; what cannot be recorded is not done. One request after the other, so that nothing
changes between the look and the act.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import ParamSpec, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import SkipEvent
from domain.errors import StoreError
from domain.tenant import Scope
from gateway import bodies, reasons
from gateway.answers import answer
from gateway.asking import asked
from gateway.auditing import on_record
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.reasons import Perhaps, Why
from gateway.routing import at
from projections.control import Phase, Rebuild, Status
from projections.state import Stop

PREFIX = "/admin/system/projections"
ADMIN = (Scope.ADMIN,)

P = ParamSpec("P")
T = TypeVar("T")


class Skip(Why, frozen=True):
    position: int
    """Named by the caller, so that nobody skips another event than the one that was looked at."""


B = TypeVar("B", bound=Why)


class Projections:
    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._doors = doors
        self._hand = doors.projections
        self._gate = gate
        self._one = asyncio.Lock()

    def routes(self) -> list[Route]:
        return [
            at(PREFIX, GET=self.listed),
            at(f"{PREFIX}/{{name}}/pause", POST=self.pause),
            at(f"{PREFIX}/{{name}}/resume", POST=self.resume),
            at(f"{PREFIX}/{{name}}/rebuild", POST=self.rebuild),
            at(f"{PREFIX}/{{name}}/skip", POST=self.skip),
        ]

    @operation(
        "How far each view is", scopes=ADMIN, answers={200: {"projections": list[Status], "rebuild": Rebuild | None}}
    )
    async def listed(self, request: Request) -> Response:
        self._gate.admin(request)
        statuses = await in_thread(self._hand.statuses)
        return answer({"projections": statuses, "rebuild": self._hand.rebuilding()})

    @operation("Pause a projection", scopes=ADMIN, body=Why, answers={200: Status})
    async def pause(self, request: Request) -> Response:
        caller, body = self._gate.admin(request), await self._body(request, Why)
        async with self._one:
            found = await self._named(request)
            async with self._on_record(request, caller, "pause", found, body.reason) as position:
                await in_thread(self._hand.pause, found.name, body.reason, caller.by)
            return answer(await self._named(request), position=position)

    @operation("Let a projection go on", scopes=ADMIN, body=Perhaps, needs_body=False, answers={200: Status})
    async def resume(self, request: Request) -> Response:
        """Ends a pause; one that stopped by itself tries again."""
        caller, body = self._gate.admin(request), await self._body(request, Perhaps)
        async with self._one:
            found = await self._named(request)
            async with self._on_record(request, caller, "resume", found, body.reason) as position:
                await in_thread(self._hand.resume, found.name)
            return answer(await self._named(request), position=position)

    @operation("Rebuild a projection", scopes=ADMIN, body=Why, answers={202: Rebuild}, problems=("rebuild_runs",))
    async def rebuild(self, request: Request) -> Response:
        """Begins it, beside the live one; GET /admin/system/projections tells how far it is."""
        caller, body = self._gate.admin(request), await self._body(request, Why)
        async with self._one:
            found = await self._named(request)
            running = self._hand.rebuilding()
            if running is not None and running.state == "running":
                raise Problem(
                    "rebuild_runs",
                    f"The projection {running.name} is being rebuilt: {running.done} of "
                    f"{running.total} events. Wait until it is done.",
                )
            async with self._on_record(request, caller, "rebuild", found, body.reason) as position:
                await in_thread(self._hand.rebuild, found.name)
            return answer(self._hand.rebuilding(), 202, position=position)

    @operation(
        "Skip an event that a projection cannot fold",
        scopes=ADMIN,
        body=Skip,
        answers={200: Status},
        problems=("rebuild_runs", "not_stopped_there"),
    )
    async def skip(self, request: Request) -> Response:
        caller, body = self._gate.admin(request), await self._body(request, Skip)
        async with self._one:
            found = await self._named(request)
            stop = _stop_at(body.position, found)
            skip = SkipEvent(
                found.name, body.position, stop.topic or "", stop.reason, body.reason, caller.tenant_id, caller.by
            )
            async with self._on_record(request, caller, "skip", found, body.reason):
                position: int = await asked(self._doors.audit, skip)
            await in_thread(self._hand.obey_skips, found.name)
            return answer(await self._named(request), position=position)

    def _on_record(
        self, request: Request, caller: Caller, verb: str, found: Status, reason: str
    ) -> AbstractAsyncContextManager[int]:
        return on_record(self._doors.audit, request, caller, f"projection.{verb}", found.name, reason)

    async def _named(self, request: Request) -> Status:
        statuses = {status.name: status for status in await in_thread(self._hand.statuses)}
        name = request.path_params["name"]
        if name not in statuses:
            raise Problem("not_found", f"There is no such projection. There are: {', '.join(statuses)}.")
        return statuses[name]

    async def _body(self, request: Request, shape: type[B]) -> B:
        body = await bodies.of_request(request, shape, self._doors.options.max_body_bytes)
        reason = reasons.line(body.reason)
        return msgspec.structs.replace(body, reason=reason)


async def in_thread(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(act, *args, **kwargs)
    except (StoreError, sqlite3.Error):
        detail = "The views or the log cannot be reached, and nothing has changed. Try again."
        raise Problem("store_unavailable", detail, retry_after_s=1.0) from None


def _stop_at(position: int, found: Status) -> Stop:
    if found.state is Phase.REBUILDING:
        raise Problem("rebuild_runs", f"The projection {found.name} is being rebuilt: skip when that has ended.")
    if found.error is None or found.error.position is None:
        raise Problem("not_stopped_there", f"The projection {found.name} stands still at no event: nothing to skip.")
    if found.error.position != position:
        raise Problem(
            "not_stopped_there",
            f"The projection {found.name} stands still at position {found.error.position}, not at {position}.",
        )
    return found.error
