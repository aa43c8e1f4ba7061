"""`POST /api/bots/{bot_id}/commands/{method}`: one Bot API method, executed once, and what became of it.

The one route that is walked thousands of times a second, so it is a bare ASGI endpoint that builds its answer by hand.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import structlog
import uuid_utils
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from actors.messages import Accepted, Durability, Execute, Replayed
from domain.command import Command, Outcome
from domain.failure import Final
from domain.methods import Method, method_named
from domain.refusal import Refused
from domain.rules.tokens import without_tokens
from domain.tenant import Scope as KeyScope
from gateway import bodies
from gateway.answers import COMMAND_ID, POSITION, RAW_COMMON
from gateway.asking import reply_of
from gateway.auth import Gate
from gateway.clients import client_of
from gateway.doors import Doors
from gateway.operations import operation, operation_of
from gateway.outcomes import Done, InTime, accepted, done, problem_of, unanswered
from gateway.parameters import check
from gateway.problems import Problem, of_refusal
from gateway.reading import Reads, bot_id_in
from gateway.routing import not_handled
from gateway.wishes import WISHES, wishes_in

PATH = "/api/bots/{bot_id}/commands/{method}"
CODES = (
    "unknown_method",
    "method_refused",
    "idempotency_mismatch",
    "idempotency_in_flight",
    "bot_suspended",
    "bot_unverified",
    "token_unauthorized",
    "telegram_rejected",
    "telegram_hold",
    "telegram_unreachable",
    "rate_limited",
    "breaker_open",
    "deadline_exceeded",
    "cancelled",
    "delivery_uncertain",
    "delivery_unrecorded",
)
BACKSTOP_S = 10.0
"""So long after its deadline a command has been answered, unless something is badly wrong."""
MAX_CHAT = 64
WHOLE_NUMBER = re.compile(r"[+-]?\d{1,32}", re.ASCII)
NOT_AN_OUTCOME = ("not_found", "idempotency_in_flight", "idempotency_mismatch")
"""These say nothing about whether anything was sent."""
NOT_SENT = {"outcome": Final.NOT_SENT}
REPLAYED = ((b"idempotent-replayed", b"true"),)
_ID, _POSITION = COMMAND_ID.lower().encode(), POSITION.lower().encode()
_JSON = (b"content-type", b"application/json")

log = structlog.get_logger()


def commands_in(path: str) -> dict[str, str] | None:
    """What the path of a command names; None for any other path."""
    match path.split("/"):
        case ["", "api", "bots", bot_id, "commands", method] if bot_id and method:
            return {"bot_id": bot_id, "method": method}
    return None


class Commands:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._options = doors.options
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [Route(PATH, self)]

    @operation(
        "Have a Bot API method executed",
        scopes=(KeyScope.TENANT,),
        parameters=WISHES,
        body=dict[str, object],
        needs_body=False,
        answers={200: Done, 202: InTime},
        problems=CODES,
    )
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The body is the method's parameters, as Telegram's Bot API has them.

        Whatever is answered says whether the command was executed. What is durable is finished even over a crash.
        """
        if scope["method"] != "POST":
            await not_handled(scope["method"], ("POST", "OPTIONS"))(scope, receive, send)
            return
        execute = await self._asked_for(scope, receive)
        reply = await self.reply(execute)
        if isinstance(reply, Accepted):
            await _send(send, 202, accepted(reply), _accepted_headers(reply))
            return
        outcome, replayed = (reply.outcome, REPLAYED) if isinstance(reply, Replayed) else (reply, ())
        if outcome.code:
            raise problem_of(outcome, is_replayed=bool(replayed))
        headers = [(_ID, outcome.command_id.encode()), (_POSITION, b"%d" % (outcome.position or 0)), *replayed]
        await _send(send, 200, done(outcome), headers)

    operations = {"POST": operation_of(__call__)}  # noqa: RUF012  read alone

    async def _asked_for(self, scope: Scope, receive: Receive) -> Execute:
        """What the request asks for; a problem where it cannot be had."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        authorization = bodies.header_of(headers, b"authorization")
        if authorization is None:
            caller = self._gate.caller(Request(scope), KeyScope.TENANT)
        else:
            caller = self._gate.admitted(authorization, KeyScope.TENANT)
        self._doors.limits.take_by_key(caller.key_id, client_of(scope), NOT_SENT)
        in_path = scope["path_params"]
        bot_id = bot_id_in(in_path["bot_id"])
        method = _method(in_path["method"])
        wishes = wishes_in(headers, self._options.command_deadline_s, self._options.max_deadline_s)
        body = await bodies.read(receive, headers.get(b"content-length"), self._options.max_body_bytes)
        parameters = bodies.parameters(body)
        fault = check(method.name, parameters)
        if fault is not None:
            raise Problem("invalid_request", fault)
        command = Command(
            command_id=str(uuid_utils.uuid7()),
            bot_id=bot_id,
            tenant_id=caller.tenant_id,
            method=method.name,
            parameters=parameters,
            chat=chat_of(method, parameters),
            received_at=self._doors.clock.utc(),
            deadline_s=wishes.deadline_s,
            retry_uncertain=wishes.retry_uncertain,
            patient=wishes.wait_s is not None,
        )
        if not wishes.is_durable:
            return Execute(command)
        body_hash = hashlib.sha256(b"%d/%s/%s" % (bot_id, method.name.encode(), body)).hexdigest()
        return Execute(command, Durability(body_hash, wishes.key, wishes.wait_s))

    async def reply(self, execute: Execute) -> Outcome | Accepted | Replayed:
        command, durability = execute.command, execute.durability
        waits_s = command.deadline_s if durability is None or durability.wait_s is None else durability.wait_s
        try:
            reply: Any = await reply_of(self._doors.fleet, execute, waits_s + BACKSTOP_S)
        except TimeoutError:
            log.warning("command_unanswered", command_id=command.command_id, bot_id=command.bot_id)
            raise unanswered(command.command_id) from None
        if isinstance(reply, Outcome | Accepted):
            self._reads.wrote(command.tenant_id, reply.position)
            return reply
        if isinstance(reply, Replayed):
            return reply
        assert isinstance(reply, Refused)  # noqa: S101  the other reply that Execute names
        # Nothing of it is recorded, so there is no id to look up.
        members = {} if reply.code in NOT_AN_OUTCOME else NOT_SENT
        raise of_refusal(reply, members)


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    both = [_JSON, (b"content-length", b"%d" % len(body)), *headers, *RAW_COMMON]
    await send({"type": "http.response.start", "status": status, "headers": both})
    await send({"type": "http.response.body", "body": body})


def _accepted_headers(reply: Accepted) -> list[tuple[bytes, bytes]]:
    command_id = reply.command_id.encode()
    return [
        (_ID, command_id),
        (_POSITION, b"%d" % reply.position),
        (b"location", b"/api/commands/" + command_id),
        (b"preference-applied", b"respond-async"),
    ]


def _method(name: str) -> Method:
    method = method_named(name)
    if method is None:
        raise Problem("unknown_method", check(name, {}) or "")
    if method.refused is not None:
        raise Problem("method_refused", f"{method.name} is not a command here: {method.refused}.")
    return method


def chat_of(method: Method, parameters: dict[str, object]) -> str | None:
    """The chat that the command names, in one spelling."""
    named = parameters.get(method.chat) if method.chat is not None else None
    if named is None:
        return None
    text = str(named).strip()
    if len(text) > MAX_CHAT:
        raise Problem("invalid_request", f'"{method.chat}" of {method.name} is too long to name a chat.')
    if WHOLE_NUMBER.fullmatch(text):
        return str(int(text))
    # It goes into the log, where no token may stand.
    return without_tokens(text).lower()
