"""A live check of a bot's token, with a test message if one is wanted, and its name read again."""

from __future__ import annotations

import msgspec
import uuid_utils
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import Execute, InspectToken, TokenInspected
from domain.command import Command, Outcome
from domain.methods import Method, method_named
from domain.rules.validation import ADVICE, Verdict, Why
from domain.tenant import Scope
from gateway import bodies
from gateway.answers import answer
from gateway.asking import asked
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.outcomes import Done, done, problem_of
from gateway.parameters import check
from gateway.problems import Problem
from gateway.reading import Reads, bot_id_in
from gateway.routes.commands import CODES, Commands, chat_of
from gateway.routing import at

TEST_METHOD = "sendMessage"
INSPECTED = {
    "bot_id": int,
    "category": Verdict,
    "username": str,
    "first_name": str,
    "status": str,
    "advice": str,
    "position": int,
}
WITH_A_MESSAGE = {**INSPECTED, "message": Done | None}
"""The test message, where one was sent."""


class TestMessage(bodies.Body, frozen=True):
    chat_id: int | str | None = None
    text: str | None = None


class Tokens:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads, commands: Commands) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads
        self._commands = commands

    def routes(self) -> list[Route]:
        return [
            at("/api/bots/{bot_id}/verify", POST=self.verify),
            at("/api/bots/{bot_id}/refresh", POST=self.refresh),
        ]

    @operation(
        "Look at a bot's token now",
        scopes=(Scope.TENANT,),
        body=TestMessage,
        needs_body=False,
        answers={200: WITH_A_MESSAGE},
        problems=("token_unauthorized", "token_unreachable", *CODES),
    )
    async def verify(self, request: Request) -> Response:
        """What Telegram says now; where it is well and a chat is named, a test message goes there like any other."""
        caller, bot_id = self._gate.caller(request), _bot_id(request)
        body = await bodies.of_request(request, TestMessage, self._doors.options.max_body_bytes)
        parameters = _parameters(body)
        found = await self._inspect(caller, bot_id)
        told = {**_told(found), "message": None}
        if parameters is not None and found.category is Verdict.VALID:
            told["message"] = await self._sent(caller, bot_id, parameters)
        return answer(told, position=found.position)

    @operation(
        "Read a bot's name again",
        scopes=(Scope.TENANT,),
        answers={200: INSPECTED},
        problems=("bot_unverified", "bot_suspended", "token_unauthorized", "token_unreachable"),
    )
    async def refresh(self, request: Request) -> Response:
        """Its name, read again; a problem where Telegram does not say it."""
        found = await self._inspect(self._gate.caller(request), _bot_id(request))
        if found.category is Verdict.REVOKED:
            raise Problem("token_unauthorized")
        if found.category is not Verdict.VALID:
            raise Problem("token_unreachable", ADVICE[found.category], retry_after_s=5.0)
        return answer(_told(found), position=found.position)

    async def _inspect(self, caller: Caller, bot_id: int) -> TokenInspected:
        found: TokenInspected = await asked(self._doors.fleet, InspectToken(bot_id, caller.tenant_id, Why.ASKED))
        self._reads.wrote(caller.tenant_id, found.position)
        return found

    async def _sent(self, caller: Caller, bot_id: int, parameters: dict[str, object]) -> msgspec.Raw:
        method = _method()
        command = Command(
            command_id=str(uuid_utils.uuid7()),
            bot_id=bot_id,
            tenant_id=caller.tenant_id,
            method=method.name,
            parameters=parameters,
            chat=chat_of(method, parameters),
            received_at=self._doors.clock.utc(),
            deadline_s=self._doors.options.command_deadline_s,
        )
        outcome = await self._commands.reply(Execute(command))
        assert isinstance(outcome, Outcome)  # noqa: S101  it is not durable
        if outcome.code:
            raise problem_of(outcome)
        return msgspec.Raw(done(outcome))


def _parameters(body: TestMessage) -> dict[str, object] | None:
    """Of the test message; None: there is to be none."""
    if body.chat_id is None and body.text is None:
        return None
    if body.chat_id is None or body.text is None:
        raise Problem("invalid_request", 'A test message needs both "chat_id" and "text".')
    parameters: dict[str, object] = {"chat_id": body.chat_id, "text": body.text}
    fault = check(TEST_METHOD, parameters)
    if fault is not None:
        raise Problem("invalid_request", fault)
    chat_of(_method(), parameters)
    return parameters


def _method() -> Method:
    method = method_named(TEST_METHOD)
    assert method is not None  # noqa: S101  the Bot API has it
    return method


def _told(found: TokenInspected) -> dict[str, object]:
    return {
        "bot_id": found.bot_id,
        "category": found.category,
        "username": found.username,
        "first_name": found.first_name,
        "status": found.status,
        "advice": ADVICE[found.category],
        "position": found.position,
    }


def _bot_id(request: Request) -> int:
    return bot_id_in(request.path_params["bot_id"])
