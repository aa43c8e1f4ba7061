"""`/admin/bots`: every tenant's bots, and an operator's hand on each. Each change has a reason, which is recorded."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import BotChanged, ChangeBot, ConfigureBot, RemoveBot, ResumeBot, SuspendBot
from domain.bot import ADMIN, Status
from domain.tenant import Scope
from gateway import bodies, reasons
from gateway.answers import answer, nothing
from gateway.asking import asked
from gateway.auditing import on_record
from gateway.auth import Caller, Gate
from gateway.callbacks import without_callback
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.queries import TEXT, Parameter, limit_of
from gateway.reading import OF_A_MOMENT, Reads, bot_id_in
from gateway.routes.bots import BotConfig, check_config
from gateway.routing import at
from projections.fleet import FleetBot, Place, fleet_bots

PREFIX = "/admin/bots"
LIMIT = limit_of(100, 1000)
OWNER = ""
"""In a message: whoever has the bot."""
STATUSES = (Status.ACTIVE, Status.SUSPENDED, Status.UNVERIFIED)
PLACE = re.compile(r"(\d{1,18})(?:/(.{1,100}))?", re.ASCII)
BEHIND_ALL = "\U0010ffff"
STATUS = Parameter("status", "Those that are so.", {"type": "string", "enum": STATUSES})
TENANT = Parameter("tenant_id", "Of this tenant alone.", TEXT, problems=())
AFTER = Parameter(
    "after", "A bot's id, or the `next` of the page before.", {"type": "string", "pattern": PLACE.pattern}
)


class BotConfigBecause(BotConfig, frozen=True, kw_only=True):
    reason: str


class FleetRoutes:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at(PREFIX, GET=self.listed),
            at(f"{PREFIX}/{{bot_id}}", PATCH=self.configure, DELETE=self.remove),
            at(f"{PREFIX}/{{bot_id}}/suspend", POST=self.suspend),
            at(f"{PREFIX}/{{bot_id}}/resume", POST=self.resume),
        ]

    @operation(
        "Every tenant's bots",
        scopes=(Scope.ADMIN,),
        parameters=(STATUS, TENANT, LIMIT, AFTER, *OF_A_MOMENT),
        answers={200: {"bots": list[FleetBot], "next": str | None}},
    )
    async def listed(self, request: Request) -> Response:
        limit = LIMIT.of(request)
        seen = await self._reads.seen("bots", self._gate.admin(request), request, "health")
        rows, position = await self._reads.ask(
            seen,
            fleet_bots,
            self._reads.now(seen),
            status=_status_in(request),
            tenant_id=request.query_params.get("tenant_id"),
            limit=limit + 1,
            after=_place_in(request),
        )
        page = rows[:limit]
        after = f"{page[-1].bot_id}/{page[-1].tenant_id}" if len(rows) > limit else None
        return answer({"bots": page, "next": after}, position=position)

    @operation("Change any bot", scopes=(Scope.ADMIN,), body=BotConfigBecause, answers={200: BotChanged})
    async def configure(self, request: Request) -> Response:
        """As its tenant can, with a `reason` beside the settings."""
        caller = self._gate.admin(request)
        length = request.headers.get("content-length", "0").encode()
        body = await bodies.read(request.receive, length, self._doors.options.max_body_bytes)
        change = bodies.parameters(body)
        why = bodies.shaped({"reason": change.pop("reason")} if "reason" in change else {}, reasons.Why)
        check_config(self._doors, without_callback(change, self._doors.options))
        if change.get("callback_url") is not None:
            raise Problem("invalid_request", "Where updates go is their tenant's to say: you can set it to null.")
        reason = reasons.line(why.reason)
        message = ConfigureBot(_bot_id(request), OWNER, change, ADMIN, reason)
        return _told(await self._ask(request, caller, "configure", message, reason))

    @operation(
        "Remove any bot",
        scopes=(Scope.ADMIN,),
        parameters=(reasons.IN_QUERY,),
        body=reasons.Why,
        needs_body=False,
        answers={204: None},
    )
    async def remove(self, request: Request) -> Response:
        caller = self._gate.admin(request)
        reason = await reasons.reason_for_removal(request, self._doors.options.max_body_bytes)
        message = RemoveBot(_bot_id(request), OWNER, ADMIN, reason)
        changed = await self._ask(request, caller, "remove", message, reason)
        return nothing(position=changed.position)

    @operation("Suspend any bot", scopes=(Scope.ADMIN,), body=reasons.Why, answers={200: BotChanged})
    async def suspend(self, request: Request) -> Response:
        """Its tenant cannot resume it."""
        caller = self._gate.admin(request)
        reason = await self._reason(request)
        message = SuspendBot(_bot_id(request), OWNER, reason, ADMIN)
        return _told(await self._ask(request, caller, "suspend", message, reason))

    @operation("Resume any bot", scopes=(Scope.ADMIN,), body=reasons.Why, answers={200: BotChanged})
    async def resume(self, request: Request) -> Response:
        caller = self._gate.admin(request)
        reason = await self._reason(request)
        message = ResumeBot(_bot_id(request), OWNER, ADMIN, reason=reason)
        return _told(await self._ask(request, caller, "resume", message, reason))

    async def _reason(self, request: Request) -> str:
        return await reasons.reason_of(request, self._doors.options.max_body_bytes)

    async def _ask(self, request: Request, caller: Caller, verb: str, message: ChangeBot, reason: str) -> BotChanged:
        async with on_record(self._doors.audit, request, caller, f"bot.{verb}", message.bot_id, reason):
            changed: BotChanged = await asked(self._doors.fleet, message)
        self._reads.wrote(caller.tenant_id, changed.position)
        return changed


def _told(changed: BotChanged) -> Response:
    return answer(changed, position=changed.position)


def _bot_id(request: Request) -> int:
    return bot_id_in(request.path_params["bot_id"])


def _status_in(request: Request) -> Status | None:
    asked_for = request.query_params.get("status")
    if asked_for is None:
        return None
    if asked_for not in STATUSES:
        raise Problem("invalid_request", f'"status" must be one of {", ".join(STATUSES)}.')
    return Status(asked_for)


def _place_in(request: Request) -> Place | None:
    text = request.query_params.get("after")
    if text is None:
        return None
    found = PLACE.fullmatch(text)
    if found is None:
        raise Problem("invalid_request", '"after" must be a bot\'s id, or the "next" of the page before.')
    return Place(int(found[1]), found[2] or BEHIND_ALL)
