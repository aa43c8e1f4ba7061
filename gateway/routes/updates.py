"""`/api/bots/{bot_id}/updates` and `…/deliveries`: updates fetched by their tenant, and those on their way to it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import StrEnum
from typing import Any

import msgspec
import uuid_utils
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import (
    CallbackInfo,
    DeliveryInfo,
    DescribeCallback,
    ListDeliveries,
    PulledUpdates,
    PullUpdates,
    ReplayDeliveries,
    StopPulling,
)
from domain.tenant import Scope
from gateway import bodies
from gateway.answers import answer, nothing
from gateway.asking import asked
from gateway.auth import Caller, Gate
from gateway.clients import client_of
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.queries import Choice, Whole, limit_of
from gateway.reading import Reads, Seen, bot_id_in
from gateway.routes.bots import owned_bot
from gateway.routing import at

LIMIT = limit_of(100, 100)
TIMEOUT = Whole("timeout", "Seconds to wait for one to come.", 0, most=50)
BACKSTOP_S = 15.0
DELIVERIES = limit_of(50, 500)
UPDATE_ID_MAX = 2**53


class Which(StrEnum):
    WAITING = "waiting"
    FAILED = "failed"


STATUS = Choice("status", "`failed`, unless said: those that were tried in vain.", Which)
AFTER = Whole("after", "An update's id: those with higher ones.", most=UPDATE_ID_MAX)
OFFSET = Whole("offset", "The `next_offset` of the answer before, which it confirms. Without it, the oldest.")


class Range(bodies.Body, frozen=True):
    from_update_id: int
    to_update_id: int


class Updates:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at("/api/bots/{bot_id}/updates", GET=self.pulled),
            at("/api/bots/{bot_id}/callback", GET=self.described),
            at("/api/bots/{bot_id}/deliveries", GET=self.listed),
            at("/api/bots/{bot_id}/deliveries/replay", POST=self.replayed),
        ]

    @operation(
        "Fetch a bot's updates",
        scopes=(Scope.TENANT,),
        parameters=(OFFSET, LIMIT, TIMEOUT),
        answers={200: {"updates": list[dict[str, object]], "next_offset": int | None}, 204: None},
        problems=("bot_unverified", "updates_pushed", "updates_conflict"),
    )
    async def pulled(self, request: Request) -> Response:
        """As Telegram's getUpdates; the next question's `offset` confirms what was handed out with lower ids.

        One question of a bot waits at a time.
        """
        caller, bot_id = await self._own(request)
        self._doors.limits.take_by_key(caller.key_id, client_of(request.scope))
        pull = PullUpdates(
            bot_id,
            caller.tenant_id,
            str(uuid_utils.uuid7()),
            _offset(request),
            LIMIT.of(request),
            TIMEOUT.of(request),
        )
        found = await self._while_there(request, pull)
        if found is None:
            return nothing()
        updates = [msgspec.Raw(update) for update in found.updates]
        return answer({"updates": updates, "next_offset": found.next_offset})

    @operation(
        "Where updates are posted",
        scopes=(Scope.TENANT,),
        answers={200: CallbackInfo},
        problems=("bot_unverified",),
    )
    async def described(self, request: Request) -> Response:
        caller, bot_id = await self._own(request)
        return answer(await asked(self._doors.delivery, DescribeCallback(bot_id, caller.tenant_id)))

    @operation(
        "Updates on their way",
        scopes=(Scope.TENANT,),
        parameters=(STATUS, AFTER, DELIVERIES),
        answers={200: {"deliveries": list[DeliveryInfo], "next": int | None}},
        problems=("bot_unverified",),
    )
    async def listed(self, request: Request) -> Response:
        caller, bot_id = await self._own(request)
        which = STATUS.of(request, Which.FAILED)
        after = -1 if AFTER.name not in request.query_params else AFTER.of(request)
        limit = DELIVERIES.of(request)
        asking = ListDeliveries(bot_id, caller.tenant_id, which is Which.FAILED, after, limit + 1)
        found: list[DeliveryInfo] = await asked(self._doors.delivery, asking)
        page = found[:limit]
        return answer({"deliveries": page, "next": page[-1].update_id if len(found) > limit else None})

    @operation(
        "Try deliveries at once",
        scopes=(Scope.TENANT,),
        body=Range,
        answers={202: {"updates": int}},
        problems=("bot_unverified",),
    )
    async def replayed(self, request: Request) -> Response:
        caller, bot_id = await self._own(request)
        wanted = await bodies.of_request(request, Range, self._doors.options.max_body_bytes)
        if not 0 <= wanted.from_update_id <= wanted.to_update_id <= UPDATE_ID_MAX:
            raise Problem("invalid_request", '"from_update_id" and "to_update_id" must be ids, the lower one first.')
        again = ReplayDeliveries(bot_id, caller.tenant_id, wanted.from_update_id, wanted.to_update_id)
        return answer({"updates": await asked(self._doors.delivery, again)}, 202)

    async def _own(self, request: Request) -> tuple[Caller, int]:
        caller = self._gate.caller(request)
        bot_id = bot_id_in(request.path_params["bot_id"])
        await owned_bot(self._reads, Seen("bots", caller, 0), bot_id)
        return caller, bot_id

    async def _while_there(self, request: Request, pull: PullUpdates) -> PulledUpdates | None:
        """None: the caller has gone, and its place is free again."""
        reply: asyncio.Task[Any] = asyncio.ensure_future(asked(self._doors.delivery, pull, pull.timeout_s + BACKSTOP_S))
        leaving = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait({reply, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if reply.done():
                found: PulledUpdates = reply.result()
                return found
            self._doors.delivery.ask(StopPulling(pull.bot_id, pull.tenant_id, pull.pull_id), block=False)
            with suppress(Problem):
                await reply
            return None
        finally:
            leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _offset(request: Request) -> int | None:
    if request.query_params.get(OFFSET.name, "").startswith("-"):
        detail = 'A negative "offset" would forget updates that nobody has seen: leave it out to begin with the oldest.'
        raise Problem("invalid_request", detail)
    return OFFSET.perhaps_of(request)
