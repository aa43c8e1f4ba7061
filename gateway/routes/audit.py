"""`GET /admin/system/audit`: who did what with an admin's key, from where and why."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import StoreError
from domain.tenant import Scope
from gateway.answers import answer
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.events.acts import ActOnRecord, NoSuchAct, Wanted, newest_acts
from gateway.events.query import BEFORE as ENDS
from gateway.events.query import SINCE
from gateway.operations import operation
from gateway.problems import Problem
from gateway.queries import TEXT, Parameter, Whole, limit_of
from gateway.reading import LOG_AWAY
from gateway.routing import at

MAX_TEXT = 200
SHORT = {**TEXT, "minLength": 1, "maxLength": MAX_TEXT}
LIMIT = limit_of(100, 1000)
BEFORE = Whole("before", "The `next` of the page before.", least=1)
FILTERS = (
    Parameter("action", "Acts of this kind, such as `bot.suspend`.", SHORT),
    Parameter("target", "What it was done to.", SHORT),
    Parameter("by", "The id of a key.", SHORT),
    SINCE,
    ENDS,
    BEFORE,
    LIMIT,
)


class AuditRoutes:
    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._log = doors.replay
        self._gate = gate

    def routes(self) -> list[Route]:
        return [at("/admin/system/audit", GET=self.listed)]

    @operation(
        "What was done with admins' keys",
        scopes=(Scope.ADMIN,),
        parameters=FILTERS,
        answers={200: {"acts": list[ActOnRecord], "next": int | None}},
    )
    async def listed(self, request: Request) -> Response:
        """Newest first; `before=<next>` is the next page."""
        self._gate.admin(request)
        wanted = Wanted(
            LIMIT.of(request),
            action=_text_in_query(request, "action"),
            target=_text_in_query(request, "target"),
            by=_text_in_query(request, "by"),
            since=SINCE.perhaps_of(request),
            until=ENDS.perhaps_of(request),
            before=BEFORE.perhaps_of(request),
        )
        try:
            found = await self._log.ask(lambda ledger: newest_acts(ledger, wanted))
        except NoSuchAct:
            raise Problem("invalid_request", '"before" must be the "next" of the page before.') from None
        except StoreError:
            raise Problem("store_unavailable", LOG_AWAY, retry_after_s=1.0) from None
        return answer({"acts": found.acts, "next": found.next})


def _text_in_query(request: Request, name: str) -> str | None:
    text = request.query_params.get(name)
    if text is not None and not 0 < len(text) <= MAX_TEXT:
        raise Problem("invalid_request", f'"{name}" must be a text of at most {MAX_TEXT} characters.')
    return text
