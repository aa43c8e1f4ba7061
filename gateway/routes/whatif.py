"""What would have been under another policy: the recorded commands of a time once more, through the same rules."""

from __future__ import annotations

import difflib
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.failure import Strategy
from domain.rules.tokens import MAX_BOT_ID
from domain.tenant import Scope
from domain.whatif.policy import FLEET_WIDE, Change
from domain.whatif.question import Busy, NoAnswer, NothingThere, Question, checked
from domain.whatif.report import Report
from gateway import bodies
from gateway.answers import answer
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.queries import time_in
from gateway.reading import Reads, Seen
from gateway.routes.bots import own_bot
from gateway.routing import at

EVERYBODYS = (Scope.ANALYST, Scope.ADMIN)
"""These scopes may ask about every bot."""
BUSY_S = 5.0


class Asked(bodies.Body, frozen=True):
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    policy: dict[str, object]
    """What is to be other than today, by the names of the settings: `bot_rps`, `breaker_failures` and so on."""
    bot_id: Annotated[int, Meta(ge=1, le=MAX_BOT_ID)] | None = None
    tenant_id: str | None = None


class WhatIf:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [at("/api/whatif", POST=self.replayed)]

    @operation(
        "What would have been",
        scopes=(Scope.TENANT, *EVERYBODYS),
        body=Asked,
        answers={200: Report},
        problems=("not_found", "bot_unverified"),
    )
    async def replayed(self, request: Request) -> Response:
        """The recorded commands of a time once more, through the same rules, under another policy."""
        caller = self._gate.caller(request)
        asked = await bodies.of_request(request, Asked, self._doors.options.max_body_bytes)
        change = change_of(asked.policy)
        sees_all = any(scope in caller.scopes for scope in EVERYBODYS)
        if not sees_all:
            await self._check_is_own(caller, asked, change)
        question = Question(
            since=time_in("from", asked.since),
            until=time_in("to", asked.until),
            change=change,
            bot_id=asked.bot_id,
            tenant_id=asked.tenant_id if sees_all else caller.tenant_id,
        )
        try:
            report = await self._doors.replays(checked(question))
        except NothingThere as error:
            raise Problem("not_found", str(error)) from None
        except Busy as error:
            raise Problem("overloaded", str(error), retry_after_s=BUSY_S) from None
        except NoAnswer as error:
            raise Problem("invalid_request", str(error)) from None
        # How busy the others were is not a tenant's to know.
        return answer(report if sees_all else msgspec.structs.replace(report, also_replayed=None))

    async def _check_is_own(self, caller: Caller, asked: Asked, change: Change) -> None:
        if asked.tenant_id not in (None, caller.tenant_id):
            raise Problem("forbidden", "A tenant's key asks about its own bots: leave out the tenant_id.")
        for name in FLEET_WIDE:
            if name in change.given:
                raise Problem("forbidden", f'"{name}" is the whole fleet\'s: its operator may ask about it.')
        if asked.bot_id is not None:
            await own_bot(self._reads, Seen("bots", caller, 0), asked.bot_id)


def change_of(policy: dict[str, object]) -> Change:
    known = Change.__struct_fields__
    for name in policy:
        if name not in known:
            near = difflib.get_close_matches(name[: bodies.NAME_SHOWN_MAX], known, 1)
            hint = f' Did you mean "{near[0]}"?' if near else f" It has {', '.join(known)}."
            raise Problem("invalid_request", f'A policy has no field "{bodies.shown(name)}".{hint}')
    if policy.get("retry_strategy") not in (None, *Strategy):
        raise Problem("invalid_request", f'"retry_strategy" must be one of {", ".join(Strategy)}.')
    return bodies.shaped(policy, Change)
