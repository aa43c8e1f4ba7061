"""Reads of the views: off the event loop, and never older than what their reader has written.

`?at_least=<position>` waits for the view to come there. What a tenant wrote through this process is waited for unasked.
`?as_of=<position or time>` answers as the view would have answered then.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from starlette.requests import Request

from domain.errors import StoreError
from gateway import times
from gateway.auth import Caller
from gateway.doors import Doors
from gateway.problems import Problem
from gateway.queries import MAX_DIGITS, POSITION_MAX, TIME, Parameter, Whole
from projections.past import BeforeRetention, Moment, NotReached, Unfoldable
from projections.views import Readable

OWN_WRITES_S = 2.0
"""Then the view as it is: a held-up projection must not make a tenant's list unreadable."""
AT_LEAST_S = 5.0
LOG_AWAY = "The log cannot be read at the moment."

AT_LEAST = Whole("at_least", "A position: the view is waited for until it has come there.")
AS_OF = Parameter(
    "as_of",
    "A position, or a time: the answer of that moment, from the log.",
    {"oneOf": [{"type": "integer", "minimum": 1, "maximum": POSITION_MAX}, TIME]},
    problems=("invalid_request", "before_retention"),
)
OF_A_MOMENT = (AT_LEAST, AS_OF)
"""Of every question that `Reads.seen` takes."""

P = ParamSpec("P")
T = TypeVar("T")


class Seen(NamedTuple):
    """Which view, who reads, the position that the reader insists on, or the earlier moment that is asked about."""

    view: str
    caller: Caller
    at_least: int
    moment: Moment | None = None
    also: tuple[str, ...] = ()
    """Other views that the question is put to."""


class Reads:
    def __init__(self, doors: Doors) -> None:
        self._views = doors.views
        self._progress = doors.runner
        self._past = doors.past
        self._clock = doors.clock
        self._written: dict[str, int] = {}
        """The newest position of each tenant that has written since its last read."""

    def wrote(self, tenant_id: str, position: int | None) -> None:
        if position is not None and position > self._written.get(tenant_id, 0):
            self._written[tenant_id] = position

    async def seen(self, view: str, caller: Caller, request: Request, *also: str) -> Seen:
        """For a question that may be about an earlier moment."""
        text = request.query_params.get("as_of")
        if text is None:
            return Seen(view, caller, AT_LEAST.of(request), also=also)
        if "at_least" in request.query_params:
            raise Problem("invalid_request", '"as_of" asks about the past and "at_least" waits: take one of them.')
        asked = _moment_in(text, self._clock.utc())
        try:
            moment = await asyncio.to_thread(self._past.moment, asked)
        except NotReached as error:
            raise Problem("invalid_request", f'"as_of": {error}') from None
        except BeforeRetention as error:
            detail = f"Moments before {error.horizon:%Y-%m-%dT%H:%M:%SZ} cannot be asked about: their events are gone."
            raise Problem("before_retention", detail, members={"horizon": error.horizon}) from None
        except StoreError:
            raise Problem("store_unavailable", LOG_AWAY, retry_after_s=1.0) from None
        return Seen(view, caller, 0, moment, also)

    def now(self, seen: Seen) -> datetime:
        """The moment that the question is about."""
        return seen.moment.at if seen.moment is not None else self._clock.utc()

    async def ask(
        self, seen: Seen, query: Callable[Concatenate[Readable, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> tuple[T, int]:
        """What the query finds, and up to which position the view was at least."""
        try:
            if seen.moment is not None:
                past = await asyncio.to_thread(self._past.at, seen.moment.position, seen.view, *seen.also)
                return await asyncio.to_thread(query, past, *args, **kwargs), seen.moment.position
            await self._caught_up(seen)
            position = self._progress.position(seen.view)
            return await asyncio.to_thread(query, self._views, *args, **kwargs), position
        except sqlite3.Error:
            raise Problem("store_unavailable", "The views cannot be read at the moment.", retry_after_s=1.0) from None
        except StoreError:
            raise Problem("store_unavailable", LOG_AWAY, retry_after_s=1.0) from None
        except Unfoldable:
            detail = "An event before that moment cannot be folded; the operator sees which in /admin/system/stats."
            raise Problem("store_unavailable", detail) from None

    async def _caught_up(self, seen: Seen) -> None:
        own = self._written.get(seen.caller.tenant_id, 0)
        if own and await self._progress.wait_for(own, OWN_WRITES_S, of=seen.view):
            self._forget(seen.caller.tenant_id)
        if seen.at_least <= self._progress.position(seen.view):
            return
        if seen.at_least > await asyncio.to_thread(self._progress.newest):
            raise Problem("invalid_request", '"at_least" is a position that the log has not come to.')
        if not await self._progress.wait_for(seen.at_least, AT_LEAST_S, of=seen.view):
            at = self._progress.position(seen.view)
            raise Problem(
                "store_unavailable",
                f"The view is at position {at} and has not come to {seen.at_least} yet. Ask again.",
                retry_after_s=1.0,
            )

    def _forget(self, tenant_id: str) -> None:
        if self._written.get(tenant_id, 0) <= self._progress.position():
            self._written.pop(tenant_id, None)


def _moment_in(text: str, now: datetime) -> int | datetime:
    """A position, or a time."""
    if text.isascii() and text.isdecimal() and 0 < len(text) <= MAX_DIGITS and int(text) > 0:
        return int(text)
    try:
        found = times.parsed(text)
    except ValueError:
        detail = f'"as_of" must be a position from 1 on, or a time like {times.EXAMPLE}.'
        raise Problem("invalid_request", detail) from None
    if found > now:
        raise Problem("invalid_request", '"as_of" lies in the future: nothing has happened there yet.')
    return found


def bot_id_in(text: str) -> int:
    """A bot's id from the path; whatever else stands there is no bot of anybody's."""
    if text.isascii() and text.isdecimal() and not text.startswith("0") and len(text) <= MAX_DIGITS:
        return int(text)
    raise Problem("not_found", "There is no such bot. GET /api/bots lists yours.")
