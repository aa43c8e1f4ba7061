"""What an operator sees of tokens: one that is asked about, each bot's status, and all of them looked at now."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import (
    DescribeInspection,
    Inspection,
    Message,
    TokenJudged,
    ValidateAll,
    ValidateToken,
    ValidationJob,
)
from domain.rules.tokens import parse
from domain.rules.validation import ADVICE, DAY_S, Verdict, Why
from domain.tenant import Scope
from gateway import bodies
from gateway.answers import answer
from gateway.asking import asked
from gateway.auditing import on_record
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.reading import OF_A_MOMENT, Reads, bot_id_in
from gateway.routes.bots import NewBot
from gateway.routing import at
from gateway.schemas import like
from projections.bots import is_known
from projections.tokens import token_status

PREFIX = "/admin/system"
ADMIN = (Scope.ADMIN,)
JUDGED = like(TokenJudged, "JudgedToken", advice=str)
STATUS = {
    "bot_id": int,
    "category": Verdict | None,
    "last_validated": datetime | None,
    "why": Why | None,
    "age_s": float | None,
    "advice": str | None,
}


class Progress(msgspec.Struct):
    bots: int
    validated_in_last_24h: int
    every_s: float
    state: str
    """`none`, `running` or `done`."""
    job: ValidationJob | None


PROGRESS = like(Progress, "ValidationProgress", detail=str)


class InspectionRoutes:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at(f"{PREFIX}/validate-token", POST=self.validate),
            at(f"{PREFIX}/validate-all-tokens", GET=self.progress, POST=self.validate_all),
            at(f"{PREFIX}/bot/{{bot_id}}/token-status", GET=self.status),
        ]

    @operation("Look at any token", scopes=ADMIN, body=NewBot, answers={200: JUDGED})
    async def validate(self, request: Request) -> Response:
        """Nothing of it is kept but that it was done, and for which bot."""
        caller = self._gate.admin(request)
        body = await bodies.of_request(request, NewBot, self._doors.options.max_body_bytes)
        token = parse(body.token)
        if token is None:
            return answer(_judged(TokenJudged(Verdict.INVALID_FORMAT)))
        async with on_record(self._doors.audit, request, caller, "token.validate", token.bot_id):
            return answer(_judged(await asked(self._doors.inspector, ValidateToken(token))))

    @operation("A bot's token", scopes=ADMIN, parameters=OF_A_MOMENT, answers={200: STATUS})
    async def status(self, request: Request) -> Response:
        bot_id = bot_id_in(request.path_params["bot_id"])
        seen = await self._reads.seen("tokens", self._gate.admin(request), request, "bots")
        found, position = await self._reads.ask(seen, token_status, bot_id)
        if found is None and not (await self._reads.ask(seen, is_known, None, bot_id))[0]:
            raise Problem("not_found", "There is no such bot. GET /admin/bots lists them.")
        now = self._reads.now(seen)
        told = {
            "bot_id": bot_id,
            "category": found.category if found else None,
            "last_validated": found.last_validated if found else None,
            "why": found.why if found else None,
            "age_s": round(max(0.0, (now - found.last_validated).total_seconds()), 3) if found else None,
            "advice": ADVICE[found.category] if found else None,
        }
        return answer(told, position=position)

    @operation("Look at every bot's token now", scopes=ADMIN, answers={202: PROGRESS})
    async def validate_all(self, request: Request) -> Response:
        caller = self._gate.admin(request)
        async with on_record(self._doors.audit, request, caller, "tokens.validate", "all"):
            return await self._told(ValidateAll(caller.by), 202)

    @operation("How far that is", scopes=ADMIN, answers={200: PROGRESS})
    async def progress(self, request: Request) -> Response:
        self._gate.admin(request)
        return await self._told(DescribeInspection(), 200)

    async def _told(self, message: Message, status: int) -> Response:
        found: Inspection = await asked(self._doors.inspector, message)
        job = found.job
        told: dict[str, object] = {
            "bots": found.bots,
            "validated_in_last_24h": found.of_last_day,
            "every_s": DAY_S,
            "state": "none" if job is None else "running" if job.ended_at is None else "done",
            "job": job,
        }
        if job is None:
            told["detail"] = (
                f"Nobody has asked for one since this process started at {found.since:%Y-%m-%dT%H:%M:%SZ}; "
                "one that ran before that was not finished and is not taken up again: POST begins anew."
            )
        return answer(told, status)


def _judged(judged: TokenJudged) -> dict[str, object]:
    return {
        "category": judged.category,
        "bot_id": judged.bot_id,
        "username": judged.username,
        "first_name": judged.first_name,
        "advice": ADVICE[judged.category],
    }
