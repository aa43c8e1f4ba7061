"""`/api/bots`: a tenant's bots. Another tenant's bot and one that does not exist are the same to it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import (
    BotChanged,
    ConfigureBot,
    DescribeUpdates,
    DescribeVerification,
    RegisterBot,
    RemoveBot,
    ResumeBot,
    RotateToken,
    SuspendBot,
    UpdatesState,
    Verification,
)
from domain.bot import Status
from domain.config import Config
from domain.rules.tokens import parse
from domain.tenant import Scope
from gateway import bodies, reasons
from gateway.answers import answer, nothing
from gateway.asking import asked
from gateway.auth import Caller, Gate
from gateway.callbacks import without_callback
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.reading import OF_A_MOMENT, Reads, Seen, bot_id_in
from gateway.routing import at
from gateway.schemas import like
from projections.bots import BotRow, bot_of, bots_of

OF_TELEGRAM = ("token_unauthorized", "token_unreachable", "telegram_hold")
"""Where Telegram is asked about a token."""
BY = "tenant"
"""Who suspended it, in the event."""


class NewBot(bodies.Body, frozen=True):
    token: str


class Perhaps(bodies.Body, frozen=True):
    reason: str = ""


class BotConfig(Config, frozen=True):
    """A change of a bot: what is left out stays, null takes the fleet's default again."""

    callback_url: str | None = None
    """Where its updates are posted; null: nowhere."""


class Hears(msgspec.Struct):
    wanted: str
    state: str
    """`off`, `polling`, `webhook`, `falling back`, or `stopped: …` with the reason."""
    last_update_age_s: float | None


BOT = like(BotRow, "Bot", without=("tenant_id",), updates=Hears, verification=Verification)
CHANGED = like(BotChanged, "ChangedBot", without=("callback_secret",), callback_secret=str)


class Bots:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at("/api/bots", GET=self.listed, POST=self.register),
            at("/api/bots/{bot_id}", GET=self.shown, PATCH=self.configure, DELETE=self.remove),
            at("/api/bots/{bot_id}/token", PUT=self.rotate_token),
            at("/api/bots/{bot_id}/suspend", POST=self.suspend),
            at("/api/bots/{bot_id}/resume", POST=self.resume),
        ]

    @operation(
        "Register a bot",
        scopes=(Scope.TENANT,),
        body=NewBot,
        answers={201: CHANGED},
        problems=("bot_exists", "token_format", *OF_TELEGRAM),
    )
    async def register(self, request: Request) -> Response:
        caller = self._caller(request)
        body = await bodies.of_request(request, NewBot, self._doors.options.max_body_bytes)
        token = parse(body.token)
        if token is None:
            raise Problem("token_format")
        changed = await asked(self._doors.fleet, RegisterBot(caller.tenant_id, token))
        return self._changed(caller, changed, 201)

    @operation("Your bots", scopes=(Scope.TENANT,), parameters=OF_A_MOMENT, answers={200: {"bots": list[BOT]}})  # type: ignore[valid-type]
    async def listed(self, request: Request) -> Response:
        caller = self._caller(request)
        rows, position = await self._reads.ask(
            await self._reads.seen("bots", caller, request), bots_of, caller.tenant_id
        )
        return answer({"bots": [_seen(row) for row in rows]}, position=position)

    @operation("A bot", scopes=(Scope.TENANT,), parameters=OF_A_MOMENT, answers={200: BOT})
    async def shown(self, request: Request) -> Response:
        caller = self._caller(request)
        seen = await self._reads.seen("bots", caller, request)
        row, position = await own_bot(self._reads, seen, _bot_id(request))
        told = _seen(row)
        # How it hears, and how its verification goes, is known of now alone.
        if row.status is not Status.UNVERIFIED and seen.moment is None:
            state: UpdatesState = await asked(self._doors.updates, DescribeUpdates(row.bot_id))
            told["updates"] = hearing_of(state, self._doors.clock.utc())
        if seen.moment is None:
            verification = await asked(self._doors.ownership, DescribeVerification(row.bot_id, caller.tenant_id))
            if verification is not None:
                told["verification"] = verification
        return answer(told, position=position)

    @operation(
        "Change a bot",
        scopes=(Scope.TENANT,),
        body=BotConfig,
        needs_body=False,
        answers={200: CHANGED},
        problems=("bot_unverified",),
    )
    async def configure(self, request: Request) -> Response:
        """A new `callback_url` comes with a secret that signs what is posted; it can be read in this answer alone."""
        caller = self._caller(request)
        body = await bodies.read(
            request.receive, request.headers.get("content-length", "0").encode(), self._doors.options.max_body_bytes
        )
        change = bodies.parameters(body)
        check_config(self._doors, without_callback(change, self._doors.options))
        message = ConfigureBot(_bot_id(request), caller.tenant_id, change, BY)
        return self._changed(caller, await asked(self._doors.fleet, message))

    @operation("Remove a bot", scopes=(Scope.TENANT,), answers={204: None})
    async def remove(self, request: Request) -> Response:
        caller = self._caller(request)
        message = RemoveBot(_bot_id(request), caller.tenant_id)
        changed: BotChanged = await asked(self._doors.fleet, message)
        self._reads.wrote(caller.tenant_id, changed.position)
        return nothing(position=changed.position)

    @operation(
        "Give a bot its new token",
        scopes=(Scope.TENANT,),
        body=NewBot,
        answers={200: CHANGED},
        problems=("bot_unverified", "token_format", "token_mismatch", *OF_TELEGRAM),
    )
    async def rotate_token(self, request: Request) -> Response:
        """The same bot goes on, with all that it has."""
        caller, bot_id = self._caller(request), _bot_id(request)
        body = await bodies.of_request(request, NewBot, self._doors.options.max_body_bytes)
        token = parse(body.token)
        if token is None:
            raise Problem("token_format")
        return self._changed(caller, await asked(self._doors.fleet, RotateToken(bot_id, caller.tenant_id, token)))

    @operation(
        "Suspend a bot",
        scopes=(Scope.TENANT,),
        body=Perhaps,
        needs_body=False,
        answers={200: CHANGED},
        problems=("bot_unverified",),
    )
    async def suspend(self, request: Request) -> Response:
        caller = self._caller(request)
        bot_id = _bot_id(request)
        body = await bodies.of_request(request, Perhaps, self._doors.options.max_body_bytes)
        reason = reasons.line(body.reason, default="by its owner")
        changed = await asked(self._doors.fleet, SuspendBot(bot_id, caller.tenant_id, reason, BY))
        return self._changed(caller, changed)

    @operation(
        "Resume a bot", scopes=(Scope.TENANT,), answers={200: CHANGED}, problems=("bot_unverified", "bot_suspended")
    )
    async def resume(self, request: Request) -> Response:
        caller = self._caller(request)
        changed = await asked(self._doors.fleet, ResumeBot(_bot_id(request), caller.tenant_id, BY))
        return self._changed(caller, changed)

    def _caller(self, request: Request) -> Caller:
        return self._gate.caller(request)

    def _changed(self, caller: Caller, changed: BotChanged, status: int = 200) -> Response:
        self._reads.wrote(caller.tenant_id, changed.position)
        content = {
            "bot_id": changed.bot_id,
            "username": changed.username,
            "status": changed.status,
            "ownership": changed.ownership,
            "position": changed.position,
        }
        if changed.callback_secret is not None:
            content["callback_secret"] = changed.callback_secret
        return answer(content, status, position=changed.position)


def check_config(doors: Doors, change: dict[str, object]) -> None:
    config = bodies.shaped(change, Config)
    if config.updates == "webhook" and doors.options.public_url is None:
        raise Problem(
            "invalid_request",
            '"updates" cannot be "webhook": this gateway has no public address (BOTLOFT_PUBLIC_URL). '
            'Take "polling", or "auto".',
        )


def hearing_of(state: UpdatesState, now: datetime) -> Hears:
    age_s = None if state.last_at is None else round(max(0.0, now.timestamp() - state.last_at), 3)
    return Hears(state.wanted, state.state, age_s)


async def own_bot(reads: Reads, seen: Seen, bot_id: int) -> tuple[BotRow, int]:
    """The caller's bot as the view has it, or a problem that says nothing about other tenants'."""
    row, position = await reads.ask(seen, bot_of, seen.caller.tenant_id, bot_id)
    if row is None:
        raise Problem("not_found", "There is no such bot. GET /api/bots lists yours.")
    return row, position


async def owned_bot(reads: Reads, seen: Seen, bot_id: int) -> BotRow:
    """The caller's bot at the moment in question, of which it may see everything; a claim is not enough."""
    row, _ = await own_bot(reads, seen, bot_id)
    if row.status is Status.UNVERIFIED:
        raise Problem("bot_unverified", "This is its owner's to see, until you have proven that the bot is yours.")
    return row


def _bot_id(request: Request) -> int:
    return bot_id_in(request.path_params["bot_id"])


def _seen(row: BotRow) -> dict[str, object]:
    """All but whose it is: the reader knows."""
    return {name: value for name, value in msgspec.structs.asdict(row).items() if name != "tenant_id"}
