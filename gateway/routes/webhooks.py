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
from domain.errors import StoreError
from domain.rules.validation import Verdict, Why
from domain.tenant import Scope as KeyScope
from domain.updates import NoUpdate
from gateway import bodies
from gateway.answers import RAW_COMMON, answer
from gateway.asking import asked
from gateway.auth import Gate
from gateway.clients import client_of
from gateway.doors import Doors
from gateway.limits import Kind
from gateway.operations import operation, operation_of
from gateway.problems import Problem
from gateway.queries import TEXT, Parameter
from gateway.reading import Reads, Seen, bot_id_in
from gateway.routes.bots import Hears, hearing_of, owned_bot
from gateway.routing import at, not_handled

PREFIX = "/webhook/"
SECRET = b"x-telegram-bot-api-secret-token"
AGAIN_S = 2.0
TAKEN = [(b"content-length", b"0"), *RAW_COMMON]


class Webhooks:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
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
        doorstep = self._doors.doorstep
        secret = headers.get(SECRET, b"").decode("latin-1")
        whose = doorstep.whose(scope["path"][len(PREFIX) :], secret)
        # A path is one bot's, an address may be Telegram's for all of them: that counts only who knows no path.
        client = client_of(scope)
        self._doors.limits.take_here(Kind.WEBHOOKS, client.counted_as if whose is None else str(whose.bot_id), client)
        if whose is None:
            raise Problem("not_found", closes=True)
        body = await bodies.read(receive, headers.get(b"content-length"), self._doors.options.max_body_bytes)
        recorded: asyncio.Future[int | StoreError] = asyncio.get_running_loop().create_future()

        def then(result: int | StoreError) -> None:
            if not recorded.done():
                recorded.set_result(result)

        try:
            is_taken = doorstep.bring(whose, body, then)
        except NoUpdate as error:
            raise Problem("invalid_request", str(error)) from None
        except StoreError:
            is_taken = False
        if not is_taken:
            raise Problem("overloaded", "It was not recorded. Bring it again.", retry_after_s=AGAIN_S)
        # However long it takes: Telegram has its own patience, and what comes is bounded by the journal's backlog.
        if isinstance(await recorded, StoreError):
            raise Problem("store_unavailable", retry_after_s=AGAIN_S)
        await send({"type": "http.response.start", "status": 200, "headers": TAKEN})
        await send({"type": "http.response.body", "body": b""})

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
