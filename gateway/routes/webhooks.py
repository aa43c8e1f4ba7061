"""`POST /webhook/{opaque}`: what Telegram brings, and `POST /api/bots/{bot_id}/webhook/rotate`.

Telegram's side is a bare ASGI endpoint that answers by hand: on disk, or not taken, and then Telegram brings it again.
An unknown path and a wrong secret get one answer, before anything is read.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from actors.messages import InspectToken, RotateWebhook, TokenInspected, UpdatesState
from domain.rules.validation import Verdict, Why
from domain.tenant import Scope as KeyScope
from gateway import bodies
from gateway.answers import answer
from gateway.asking import asked
from gateway.auth import Gate
from gateway.clients import client_of
from gateway.doors import Doors
from gateway.intake import PREFIX, SECRET, TAKEN, Intake
from gateway.operations import operation, operation_of
from gateway.problems import Problem
from gateway.queries import TEXT, Parameter
from gateway.reading import Reads, Seen, bot_id_in
from gateway.routes.bots import Hears, hearing_of, owned_bot
from gateway.routing import at, not_handled


class Webhooks:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._intake = Intake(doors.doorstep, doors.limits)
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            Route(f"{PREFIX}{{opaque}}", self),
            at("/api/bots/{bot_id}/webhook/rotate", POST=self.rotate),
        ]

    @operation(
        "An update, from Telegram",
        parameters=(
            Parameter("X-Telegram-Bot-Api-Secret-Token", "As Telegram was told.", TEXT, "header", ("not_found",)),
        ),
        body=dict[str, object],
        answers={200: None},
        problems=("overloaded", "store_unavailable"),
    )
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """On disk before it is answered. Whatever is not taken, Telegram brings again."""
        if scope["method"] != "POST":
            await not_handled(scope["method"], ("POST", "OPTIONS"))(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        whose = self._intake.whose(scope["path"], headers.get(SECRET, b""), client_of(scope))
        body = await bodies.read(receive, headers.get(b"content-length"), self._doors.options.max_body_bytes)
        recorded: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()

        def answered(problem: Problem | None) -> None:
            if not recorded.done():
                recorded.set_result(problem)

        self._intake.take(whose, body, answered)
        # However long it takes: Telegram has its own patience, and what comes is bounded by the journal's backlog.
        problem = await recorded
        if problem is not None:
            raise problem
        await TAKEN(scope, receive, send)

    operations = {"POST": operation_of(__call__)}  # noqa: RUF012  read alone

    @operation(
        "Give a bot's webhook a new address",
        scopes=(KeyScope.TENANT,),
        answers={200: {"bot_id": int, "updates": Hears}},
        problems=("bot_unverified", "token_unauthorized", "telegram_unreachable"),
    )
    async def rotate(self, request: Request) -> Response:
        caller = self._gate.caller(request)
        bot_id = bot_id_in(request.path_params["bot_id"])
        await owned_bot(self._reads, Seen("bots", caller, 0), bot_id)
        found: TokenInspected = await asked(
            self._doors.fleet, InspectToken(bot_id, caller.tenant_id, Why.BEFORE_CHANGE)
        )
        if found.category is Verdict.REVOKED:
            raise Problem("token_unauthorized")
        state: UpdatesState = await asked(self._doors.updates, RotateWebhook(bot_id, caller.tenant_id))
        return answer({"bot_id": bot_id, "updates": hearing_of(state, self._doors.clock.utc())})


def is_webhook(path: str) -> bool:
    return path.startswith(PREFIX) and "/" not in path[len(PREFIX) :]
