"""`POST /api/bots/{bot_id}/commands/{method}`: one Bot API method, executed once, and what became of it.

The one route that is walked thousands of times a second, so it is a bare ASGI endpoint that builds its answer by hand.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import structlog
import uuid_utils
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from actors.messages import Execute
from domain.command import Command, Outcome
from domain.failure import Final
from domain.methods import Method, method_named
from domain.refusal import Refused
from domain.rules.tokens import without_tokens
from domain.tenant import Scope as KeyScope
from gateway import bodies
from gateway.answers import COMMAND_ID, POSITION, RAW_COMMON, encode
from gateway.asking import reply_of
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.outcomes import problem_of, unanswered
from gateway.parameters import check
from gateway.problems import Problem, of_refusal
from gateway.reading import Reads, bot_id_in
from gateway.routing import not_handled

PATH = "/api/bots/{bot_id}/commands/{method}"
BACKSTOP_S = 10.0
"""So long after its deadline a command has been answered, unless something is badly wrong."""
MIN_DEADLINE_S = 0.1
MAX_CHAT = 64
SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
WHOLE_NUMBER = re.compile(r"[+-]?\d{1,32}", re.ASCII)
ON_UNCERTAIN = {"report": False, "retry": True}
_ID, _POSITION = COMMAND_ID.lower().encode(), POSITION.lower().encode()
_JSON = (b"content-type", b"application/json")

log = structlog.get_logger()


class Done(msgspec.Struct):
    command_id: str
    outcome: Final
    result: msgspec.Raw
    attempts: int
    queue_ms: float
    telegram_ms: float
    position: int | None


class Commands:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._options = doors.options
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [Route(PATH, self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await not_handled(scope["method"], ("POST", "OPTIONS"))(scope, receive, send)
            return
        outcome = await self._executed(await self._command(scope, receive))
        if outcome.code:
            raise problem_of(outcome)
        done = Done(
            outcome.command_id,
            outcome.final,
            msgspec.Raw(outcome.result or b"null"),
            outcome.attempts,
            outcome.queue_ms,
            outcome.telegram_ms,
            outcome.position,
        )
        body = encode(done)
        headers = [
            _JSON,
            (b"content-length", b"%d" % len(body)),
            (_ID, outcome.command_id.encode()),
            (_POSITION, b"%d" % (outcome.position or 0)),
            *RAW_COMMON,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _command(self, scope: Scope, receive: Receive) -> Command:
        """What the request asks for; a problem where it cannot be had."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        caller = self._gate.admitted(bodies.header_of(headers, b"authorization"), KeyScope.TENANT)
        in_path = scope["path_params"]
        bot_id = bot_id_in(in_path["bot_id"])
        method = _method(in_path["method"])
        deadline_s, retry_uncertain = self._wishes(headers)
        body = await bodies.read(receive, headers.get(b"content-length"), self._options.max_body_bytes)
        parameters = bodies.parameters(body)
        fault = check(method.name, parameters)
        if fault is not None:
            raise Problem("invalid_request", fault)
        return Command(
            command_id=str(uuid_utils.uuid7()),
            bot_id=bot_id,
            tenant_id=caller.tenant_id,
            method=method.name,
            parameters=parameters,
            chat=_chat(method, parameters),
            received_at=self._doors.clock.utc(),
            deadline_s=deadline_s,
            retry_uncertain=retry_uncertain,
        )

    def _wishes(self, headers: dict[bytes, bytes]) -> tuple[float, bool]:
        """The deadline and what to do with an uncertain attempt; wishes that cannot be met are refused."""
        if headers.get(b"content-type", b"").lower().startswith(b"multipart/"):
            raise Problem("invalid_request", "Files are not accepted yet: send the parameters as one JSON object.")
        if b"idempotency-key" in headers:
            raise Problem("invalid_request", "Idempotency-Key is not kept yet: leave it out, nothing would honour it.")
        deadline_s, most = self._options.command_deadline_s, self._options.max_deadline_s
        asked = bodies.header_of(headers, b"x-deadline-s")
        if asked is not None:
            if SECONDS.fullmatch(asked) is None or not MIN_DEADLINE_S <= float(asked) <= most:
                raise Problem("invalid_request", f"X-Deadline-S must be seconds, from {MIN_DEADLINE_S} to {most:g}.")
            deadline_s = float(asked)
        on_uncertain = bodies.header_of(headers, b"x-on-uncertain")
        if on_uncertain is None:
            return deadline_s, False
        if on_uncertain not in ON_UNCERTAIN:
            raise Problem("invalid_request", 'X-On-Uncertain must be "report" or "retry".')
        return deadline_s, ON_UNCERTAIN[on_uncertain]

    async def _executed(self, command: Command) -> Outcome:
        try:
            reply: Any = await reply_of(self._doors.fleet, Execute(command), command.deadline_s + BACKSTOP_S)
        except TimeoutError:
            log.warning("command_unanswered", command_id=command.command_id, bot_id=command.bot_id)
            raise unanswered(command.command_id) from None
        if isinstance(reply, Outcome):
            self._reads.wrote(command.tenant_id, reply.position)
            return reply
        assert isinstance(reply, Refused)  # noqa: S101  the other reply that Execute names
        # Nothing of it is recorded, so there is no id to look up.
        raise of_refusal(reply, {} if reply.code == "not_found" else {"outcome": Final.NOT_SENT})


def _method(name: str) -> Method:
    method = method_named(name)
    if method is None:
        raise Problem("unknown_method", check(name, {}) or "")
    if method.refused is not None:
        raise Problem("method_refused", f"{method.name} is not a command here: {method.refused}.")
    return method


def _chat(method: Method, parameters: dict[str, object]) -> str | None:
    """The chat that the command names, in one spelling."""
    named = parameters.get(method.chat) if method.chat is not None else None
    if named is None:
        return None
    text = str(named)
    if len(text) > MAX_CHAT:
        raise Problem("invalid_request", f'"{method.chat}" of {method.name} is too long to name a chat.')
    if WHOLE_NUMBER.fullmatch(text):
        return str(int(text))
    # It goes into the log, where no token may stand.
    return without_tokens(text).lower()
