"""`POST /api/bots/{bot_id}/verify-ownership`: a code, and a link that has the owner send it to the bot."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import AskForCode, CodeIssued
from domain.tenant import Scope
from gateway.answers import answer
from gateway.asking import asked
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.reading import Reads, bot_id_in
from gateway.routes.bots import OF_TELEGRAM
from gateway.routing import at
from gateway.schemas import like

LINK = "https://t.me/{username}?start={code}"
SEEN_AT_ONCE = 100
"""Updates that a look without confirming them shows, the oldest ones."""
HIDDEN = (
    "{pending} updates wait at Telegram. While updates are off the bot is only looked at, and a look shows the oldest "
    "100: the code is seen when fewer wait before it. Turn updates on, or fetch what waits."
)


CODES = ("bot_verified", "bot_suspended", "foreign_webhook", "rate_limited", "telegram_unreachable", *OF_TELEGRAM)
ISSUED = like(CodeIssued, "IssuedCode", without=("username", "pending"), link=str, warning=str)


class Ownership:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [at("/api/bots/{bot_id}/verify-ownership", POST=self.verify)]

    @operation(
        "Prove that a bot is yours",
        scopes=(Scope.TENANT,),
        answers={200: ISSUED},
        problems=(
            "bot_verified",
            "bot_suspended",
            "foreign_webhook",
            "rate_limited",
            "telegram_unreachable",
            *OF_TELEGRAM,
        ),
    )
    async def verify(self, request: Request) -> Response:
        """Its owner sends the code to the bot; it holds for a while, and once. `warning`: what may hide it."""
        caller = self._gate.caller(request)
        bot_id = bot_id_in(request.path_params["bot_id"])
        issued: CodeIssued = await asked(self._doors.ownership, AskForCode(bot_id, caller.tenant_id))
        self._reads.wrote(caller.tenant_id, issued.position)
        told = {
            "bot_id": issued.bot_id,
            "code": issued.code,
            "link": LINK.format(username=issued.username, code=issued.code),
            "expires_at": issued.expires_at,
            "position": issued.position,
        }
        if issued.pending >= SEEN_AT_ONCE:
            told["warning"] = HIDDEN.format(pending=issued.pending)
        return answer(told, position=issued.position)
