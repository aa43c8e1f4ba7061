"""Reads the log for streams, a small piece at a time, on two threads of its own: commands and views have others.

A piece is short work, so that the event loop gets its turn between two of them, and it is read only when the last one
has been taken: a slow reader costs no memory, however much there is to read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

from domain.store.ledger import Ledger
from domain.store.selection import Selection
from domain.store.store import Row
from gateway.events import wire
from gateway.events.pulse import Pulse
from gateway.events.sending import CutOff

THREADS = 2
PIECE = 200
"""Events: about half a millisecond of work, for which the event loop may have to wait."""
HEARTBEAT_S = 15.0
REST_S, REST_S_PER_STREAM = 0.01, 0.001
"""Between two looks of a live stream. A lone event never waits for this; of many, more go together."""
RETRY_MS = 2000
"""After which a browser comes back."""

T = TypeVar("T")


class Piece(NamedTuple):
    body: bytes
    events: int
    reached: int
    head: int


class Replay:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._threads = ThreadPoolExecutor(THREADS, "replay")
        self.pulse = Pulse()

    def stop(self) -> None:
        """Open streams end: live ones well, others cut off."""
        self.pulse.stop()

    def close(self) -> None:
        self.stop()
        self._threads.shutdown()

    async def head(self) -> int:
        """Raises StoreUnavailable, as all reading does."""
        return await self._on_a_thread(self._ledger.head)

    async def between(self, since: datetime | None, before: datetime | None, head: int) -> tuple[int, int]:
        """After which position and up to which to look for events of these times."""
        return await self._on_a_thread(lambda: self._ledger.positions_between(since, before, head))

    async def ask(self, question: Callable[[Ledger], T]) -> T:
        """Anything else of the log, on a thread that may wait for it."""
        return await self._on_a_thread(lambda: question(self._ledger))

    async def lines(
        self, selection: Selection, after: int, until: int, limit: int | None, *, for_admin: bool = False
    ) -> AsyncGenerator[bytes]:
        while after < until and limit != 0:
            if self.pulse.stopped:
                raise CutOff
            most = PIECE if limit is None else min(PIECE, limit)
            piece = await self._piece(selection, after, until, most, partial(wire.lines, for_admin=for_admin))
            after, limit = piece.reached, None if limit is None else limit - piece.events
            if piece.body:
                yield piece.body

    async def live(
        self,
        selection: Selection,
        after: int,
        streams: Callable[[], int],
        welcome: Callable[[], bool],
        *,
        for_admin: bool = False,
    ) -> AsyncGenerator[bytes]:
        """Server-sent events, until the stop or until the reader is not `welcome` any more."""
        yield b": position %d\nretry: %d\n\n" % (after, RETRY_MS)
        encode = partial(wire.server_sent, for_admin=for_admin)
        loop = asyncio.get_running_loop()
        told = loop.time()
        while welcome():
            beats, is_last = self.pulse.beats, self.pulse.stopped
            piece = await self._piece(selection, after, None, PIECE, encode)
            after = piece.reached
            if piece.body:
                yield piece.body
                told = loop.time()
            elif loop.time() - told >= HEARTBEAT_S:
                yield b": position %d\n\n" % after
                told = loop.time()
            if after >= piece.head:
                if is_last:
                    return
                await asyncio.sleep(REST_S + REST_S_PER_STREAM * streams() if piece.body else 0)
                await self.pulse.after(beats, HEARTBEAT_S)

    async def _piece(
        self,
        selection: Selection,
        after: int,
        until: int | None,
        limit: int,
        encode: Callable[[Iterable[Row]], bytes],
    ) -> Piece:
        def read() -> Piece:
            # What is beyond the head now may be an event by the time that it is looked for.
            head = self._ledger.head() if until is None else until
            page = self._ledger.select(selection, after, head, limit)
            return Piece(encode(page.rows), len(page.rows), page.reached, head)

        return await self._on_a_thread(read)

    async def _on_a_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
