"""What a reader of events asks for, out of the query of its address; refused in sentences where it makes no sense."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import NamedTuple

from starlette.requests import Request

from domain.events import CATALOGUE
from domain.store.selection import Selection
from domain.tenant import Scope
from gateway.auth import Caller
from gateway.problems import Problem
from gateway.queries import MAX_DIGITS, POSITION_MAX, TEXT, Parameter, Time, Whole

MOST = POSITION_MAX
MAX_BOTS = 500
MAX_TENANT_ID = 100
AFTER = Whole("after", "A position: events after it.", most=MOST)
UNTIL = Whole("until", "A position: events up to it.", most=MOST)
LIMIT = Whole("limit", "How many at most.", most=MOST)
FILTERING = (
    Parameter("bot_id", f"The numbers of at most {MAX_BOTS} bots, with commas between them.", TEXT),
    Parameter("tenant_id", "Of this tenant alone; a tenant's key sees its own.", TEXT, problems=("forbidden",)),
    Parameter("topics", "Topics with commas between them; GET /api/events/catalog lists them.", TEXT),
    AFTER,
)
SINCE = Time("from", "When they begin.")
BEFORE = Time("to", "Before when they end.")
IN_A_RANGE = (
    *FILTERING,
    SINCE,
    BEFORE,
    UNTIL,
    LIMIT,
)


class Asked(NamedTuple):
    selection: Selection
    after: int | None
    until: int | None
    limit: int | None


def asked(request: Request, caller: Caller) -> Asked:
    selection = Selection(
        topics=frozenset(_topics(request)),
        bots=frozenset(_bots(request)),
        tenant_id=_tenant(request, caller),
        since=SINCE.perhaps_of(request),
        before=BEFORE.perhaps_of(request),
    )
    if selection.since is not None and selection.before is not None and selection.since >= selection.before:
        raise Problem("invalid_request", '"from" must be earlier than "to".')
    return Asked(selection, AFTER.perhaps_of(request), UNTIL.perhaps_of(request), LIMIT.perhaps_of(request))


def _topics(request: Request) -> list[str]:
    topics = _listed(request, "topics")
    for topic in topics:
        if topic not in CATALOGUE:
            near = _near(topic, CATALOGUE)
            raise Problem("invalid_request", f'There is no topic "{near} GET /api/events/catalog lists them all.')
    return topics


def _bots(request: Request) -> list[int]:
    texts = _listed(request, "bot_id")
    if len(texts) > MAX_BOTS:
        raise Problem("invalid_request", f'"bot_id" takes at most {MAX_BOTS} bots at once.')
    if not all(text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS for text in texts):
        raise Problem("invalid_request", '"bot_id" must be the number of a bot, or several with commas between them.')
    return [int(text) for text in texts]


def _tenant(request: Request, caller: Caller) -> str | None:
    """An analyst or an admin may read all tenants; whoever else, only its own."""
    wanted = request.query_params.get("tenant_id")
    if wanted is not None and len(wanted) > MAX_TENANT_ID:
        raise Problem("invalid_request", '"tenant_id" is too long to be one.')
    if caller.is_admin or Scope.ANALYST in caller.scopes:
        return wanted
    if wanted not in (None, caller.tenant_id):
        raise Problem("forbidden", "A tenant's key reads its own events. Others are for a key with the scope analyst.")
    return caller.tenant_id


def _listed(request: Request, name: str) -> list[str]:
    found = [part.strip() for text in request.query_params.getlist(name) for part in text.split(",")]
    if found and not any(found):
        raise Problem("invalid_request", f'"{name}" is empty: leave it out to have all.')
    return [part for part in found if part]


def _near(name: str, known: Collection[str]) -> str:
    """The rest of a sentence."""
    near = difflib.get_close_matches(name, known, 1)
    return f'{name[:60]}".' + (f' Did you mean "{near[0]}"?' if near else "")
