"""`/api/events`: the log for analysts, as a file, as a live stream, and its catalogue."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import StoreUnavailable
from domain.tenant import Scope
from gateway.answers import POSITION, answer
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.events.catalog import CATALOG, catalog
from gateway.events.places import Places
from gateway.events.query import FILTERING, IN_A_RANGE, MOST, asked
from gateway.events.sending import Streamed
from gateway.operations import Media, operation
from gateway.problems import Problem
from gateway.queries import MAX_DIGITS, TEXT, Parameter
from gateway.routing import at

READERS = (Scope.ANALYST, Scope.ADMIN, Scope.TENANT)
NDJSON = "application/x-ndjson"
SSE = "text/event-stream"
SEEN_LAST = Parameter("Last-Event-ID", "A position, after which it goes on.", TEXT, "header")
OF_THE_SETTINGS = "the admin's key of the settings"


class Events:
    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._doors = doors
        self._gate = gate
        self._replay = doors.replay
        self._places = Places(doors.options.max_event_streams, doors.options.max_event_streams_per_key)

    def routes(self) -> list[Route]:
        return [
            at("/api/events", GET=self.selected),
            at("/api/events/stream", GET=self.followed),
            at("/api/events/catalog", GET=self.described),
        ]

    @operation(
        "Recorded events",
        scopes=READERS,
        parameters=IN_A_RANGE,
        answers={200: Media(NDJSON)},
        problems=("too_many_streams",),
    )
    async def selected(self, request: Request) -> Response:
        """All that match, from `after` on up to where the log was when this was asked: the header says where."""
        caller = self._reader(request)
        wanted = asked(request, caller)
        try:
            head = await self._replay.head()
            first, last = await self._replay.between(wanted.selection.since, wanted.selection.before, head)
        except StoreUnavailable:
            raise Problem("store_unavailable", retry_after_s=1.0) from None
        after = _come_to("after", wanted.after or 0, head)
        until = min(head, MOST if wanted.until is None else wanted.until)
        lines = self._replay.lines(
            wanted.selection, max(after, first), min(until, last), wanted.limit, for_admin=caller.is_admin
        )
        return self._streamed(lines, caller, NDJSON, max(after, until))

    @operation(
        "Events as they happen",
        scopes=READERS,
        parameters=(*FILTERING, SEEN_LAST),
        answers={200: Media(SSE)},
        problems=("too_many_streams",),
    )
    async def followed(self, request: Request) -> Response:
        """From after `Last-Event-ID` or `after` on; without either, what happens from now on."""
        caller = self._reader(request)
        wanted = asked(request, caller)
        try:
            head = await self._replay.head()
        except StoreUnavailable:
            raise Problem("store_unavailable", retry_after_s=1.0) from None
        # A browser that comes back repeats its address: the header is newer.
        seen = _last_event_id(request)
        after = head if seen is None and wanted.after is None else _come_to("after", seen or wanted.after or 0, head)
        welcome = self._gate.stays_open(request, caller)
        live = self._replay.live(
            wanted.selection, after, lambda: self._places.taken, welcome, for_admin=caller.is_admin
        )
        return self._streamed(live, caller, SSE, after)

    @operation("What each event tells", scopes=READERS, answers={200: CATALOG})
    async def described(self, request: Request) -> Response:
        self._reader(request)
        return answer(catalog())

    def _streamed(self, chunks: AsyncGenerator[bytes], caller: Caller, media_type: str, position: int) -> Response:
        place = self._places.taken_by(caller.key_id or OF_THE_SETTINGS)
        return Streamed(chunks, place, media_type, {POSITION: str(position)}, self._replay.pulse)

    def _reader(self, request: Request) -> Caller:
        return self._gate.caller(request)


def _last_event_id(request: Request) -> int | None:
    text = request.headers.get("last-event-id")
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS:
        return int(text)
    raise Problem("invalid_request", "Last-Event-ID must be the id of an event of this stream: a position.")


def _come_to(name: str, position: int, head: int) -> int:
    if position > head:
        raise Problem("invalid_request", f'"{name}" is a position that the log has not come to: it is at {head}.')
    return position
