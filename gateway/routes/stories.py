"""What became of commands: one command's story with its timeline, and a bot's commands, newest first."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import Cancel, ReadResult, ResultShredded
from domain.command import Outcome
from domain.failure import Final
from domain.tenant import Scope
from gateway.answers import answer
from gateway.asking import asked
from gateway.auth import Gate
from gateway.clients import client_of
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.queries import TEXT, Parameter, limit_of
from gateway.reading import AT_LEAST, Reads, Seen, bot_id_in
from gateway.routes.bots import own_bot
from gateway.routing import at
from gateway.schemas import like
from projections.commands import OPEN, CommandStory, command_story, commands_of

LIMIT = limit_of(50, 100)
BEFORE = Parameter("before", "A command's id: those that came before it.", TEXT, problems=())
STORY = like(CommandStory, "Story", outcome=Final | None)
OF_ONE = like(CommandStory, "StoryWithResult", outcome=Final | None, result=Any, result_shredded=bool)
MAX_ID = 64


class Stories:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at("/api/commands/{command_id}", GET=self.told, DELETE=self.cancel),
            at("/api/bots/{bot_id}/commands", GET=self.newest),
        ]

    @operation(
        "A command's whole story",
        scopes=(Scope.TENANT, Scope.ADMIN),
        parameters=(AT_LEAST,),
        answers={200: OF_ONE},
    )
    async def told(self, request: Request) -> Response:
        story, position = await self._story(request)
        return answer({**_wire(story), **await self._result(story)}, position=position)

    @operation(
        "Take a command back",
        scopes=(Scope.TENANT,),
        parameters=(AT_LEAST,),
        answers={200: {"command_id": str, "outcome": Final, "position": int | None}},
        problems=("not_cancellable",),
    )
    async def cancel(self, request: Request) -> Response:
        """A command that waits is taken back; what is on its way cannot be."""
        story, _ = await self._story(request)
        cancelled: Outcome = await asked(self._doors.fleet, Cancel(story.command_id, story.bot_id, story.tenant_id))
        self._reads.wrote(story.tenant_id, cancelled.position)
        told = {"command_id": story.command_id, "outcome": cancelled.final, "position": cancelled.position}
        return answer(told, position=cancelled.position)

    async def _story(self, request: Request) -> tuple[CommandStory, int]:
        caller = self._gate.caller(request)
        self._doors.limits.take_by_key(caller.key_id, client_of(request.scope))
        command_id = request.path_params["command_id"]
        if len(command_id) > MAX_ID:
            raise _not_found()
        story, position = await self._reads.ask(
            Seen("commands", caller, AT_LEAST.of(request)), command_story, command_id
        )
        if story is None or (story.tenant_id != caller.tenant_id and not caller.is_admin):
            raise _not_found()
        return story, position

    async def _result(self, story: CommandStory) -> dict[str, object]:
        """Telegram's own, where it was kept: for a durable command. `shredded` where it can be read no more."""
        if story.accepted_at is None or story.state != Final.DELIVERED or story.position is None:
            return {"result": None}
        kept = await asked(self._doors.fleet, ReadResult(story.command_id, story.tenant_id, story.position))
        if isinstance(kept, ResultShredded):
            return {"result": None, "result_shredded": True}
        return {"result": None if kept is None else msgspec.Raw(kept)}

    @operation(
        "A bot's commands, newest first",
        scopes=(Scope.TENANT,),
        parameters=(LIMIT, BEFORE, AT_LEAST),
        answers={200: {"commands": list[STORY]}},  # type: ignore[valid-type]
    )
    async def newest(self, request: Request) -> Response:
        caller = self._gate.caller(request)
        bot_id = bot_id_in(request.path_params["bot_id"])
        limit = LIMIT.of(request)
        before = request.query_params.get("before")
        await own_bot(self._reads, Seen("bots", caller, 0), bot_id)
        stories, position = await self._reads.ask(
            Seen("commands", caller, AT_LEAST.of(request)),
            commands_of,
            caller.tenant_id,
            bot_id,
            limit=limit,
            before=before,
        )
        return answer({"commands": [_wire(story) for story in stories]}, position=position)


def _wire(story: CommandStory) -> dict[str, object]:
    told = msgspec.structs.asdict(story)
    state = told.pop("state")
    return {"command_id": told.pop("command_id"), "outcome": None if state == OPEN else state, "state": state, **told}


def _not_found() -> Problem:
    return Problem(
        "not_found", "There is no such command. One that is under way may be told of only once it has ended: ask again."
    )
