"""`GET /admin/system/audit`: who did what with an admin's key, from where and why."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import StoreError
from gateway.answers import answer
from gateway.auth import Gate
from gateway.doors import Doors
from gateway.events.acts import NoSuchAct, Wanted, newest_acts
from gateway.events.query import moment_in_query
from gateway.problems import Problem
from gateway.reading import LOG_AWAY, MAX_DIGITS, number_in_query
from gateway.routing import at

PAGE, PAGE_MAX = 100, 1000
MAX_TEXT = 200
KNOWN = ("action", "target", "by", "from", "to", "before", "limit")


class AuditRoutes:
    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._log = doors.replay
        self._gate = gate

    def routes(self) -> list[Route]:
        return [at("/admin/system/audit", GET=self.listed)]

    async def listed(self, request: Request) -> Response:
        """Newest first; `before=<next>` is the next page."""
        self._gate.admin(request)
        for name in request.query_params:
            if name not in KNOWN:
                raise Problem("invalid_request", f"There is no such filter here. There are: {', '.join(KNOWN)}.")
        wanted = Wanted(
            number_in_query(request, "limit", PAGE, least=1, most=PAGE_MAX),
            action=_text_in_query(request, "action"),
            target=_text_in_query(request, "target"),
            by=_text_in_query(request, "by"),
            since=moment_in_query(request, "from"),
            until=moment_in_query(request, "to"),
            before=number_in_query(request, "before", 0, least=1, most=10**MAX_DIGITS) or None,
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
