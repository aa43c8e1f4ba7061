"""An actor's answer to come, and the inbox that it is asked through."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pykka
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

if TYPE_CHECKING:
    from pykka._types import OptExcInfo

MESSAGES_A_TURN = 100
"""After so many the loop gets a chance, however full the inbox is."""


class InboxFull(Exception):
    """The actor has as many questions as it may; ask again later."""


class Deferred:
    """Returned by a handler whose answer comes later."""


DEFERRED = Deferred()


class Drained(Exception):
    """Leaves Pykka's receive loop."""


class LoopFuture(pykka.Future[Any]):
    """An answer to come. Awaiting it does not block the loop; it may be set from the loop's thread only."""

    def __init__(self) -> None:
        super().__init__()
        self._state: tuple[Any, BaseException | None] | None = None
        self._callback: Callable[[], None] | None = None

    def done(self) -> bool:
        return self._state is not None

    def get(self, *, timeout: float | None = None) -> Any:  # noqa: ARG002  Pykka's signature
        if self._state is None:
            raise RuntimeError("await this future: blocking would stop the loop that has to answer it")
        value, error = self._state
        if error is not None:
            raise error
        return value

    def set(self, value: Any | None = None) -> None:
        if value is not DEFERRED:
            self._finish(value, None)

    def set_exception(self, exc_info: OptExcInfo | None = None) -> None:
        if exc_info is None:
            exc_info = sys.exc_info()
        self._finish(None, exc_info[1] or RuntimeError("failed without saying why"))

    def __await__(self) -> Generator[Any, None, Any]:
        if self._state is None:
            waiter = asyncio.get_running_loop().create_future()
            self._callback = lambda: None if waiter.done() else waiter.set_result(None)
            yield from waiter
        return self.get()

    def _finish(self, value: Any, error: BaseException | None) -> None:
        if self._state is not None:
            return
        self._state = (value, error)
        if self._callback is not None:
            self._callback()


class Inbox:
    """Bounded for asks; a tell is part of work that was bounded when it was let in."""

    __slots__ = ("_armed", "_closed", "_left", "_limit", "_loop", "_queue", "_thread", "_turn", "current")

    def __init__(self) -> None:
        # A deque costs 600 bytes; most actors of a large fleet never need one at any given time.
        self._queue: deque[Envelope[Any]] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn: Callable[[], None] | None = None
        self._thread = 0
        self._limit = 0
        self._left = 0
        self._armed = False
        self._closed = False
        self.current: Envelope[Any] | None = None

    def attach(self, loop: asyncio.AbstractEventLoop, turn: Callable[[], None], limit: int) -> None:
        self._loop, self._turn, self._limit, self._thread = loop, turn, limit, threading.get_ident()
        if self._queue:
            self._arm()

    def put(self, envelope: Envelope[Any], /) -> None:
        if self._loop is not None and threading.get_ident() != self._thread:
            # The queue is the loop's alone: two threads that both find none would make two.
            self._loop.call_soon_threadsafe(self.put, envelope)
            return
        if self._queue is not None and envelope.reply_to is not None and len(self._queue) >= self._limit > 0:
            envelope.reply_to.set_exception((InboxFull, InboxFull(InboxFull.__doc__), None))
            return
        self.put_always(envelope)

    def put_always(self, envelope: Envelope[Any]) -> None:
        if self._closed:
            if isinstance(envelope.message, _ActorStop) and envelope.reply_to is not None:
                envelope.reply_to.set(True)
            elif envelope.reply_to is not None:
                error = pykka.ActorDeadError("the actor has stopped")
                envelope.reply_to.set_exception((pykka.ActorDeadError, error, None))
            return
        if self._queue is None:
            self._queue = deque()
        self._queue.append(envelope)
        if not self._armed:
            self._arm()

    def get(self) -> Envelope[Any]:
        if not self._queue or self._left <= 0:
            raise Drained
        self._left -= 1
        self.current = self._queue.popleft()
        return self.current

    def empty(self) -> bool:
        return not self._queue

    def opened_turn(self) -> None:
        self._left = MESSAGES_A_TURN

    def ended_turn(self) -> None:
        self.current = None
        self._armed = False
        if self._queue:
            self._arm()
        else:
            self._queue = None

    def close(self) -> None:
        self._closed = True
        self._turn = None

    def taken_out(self) -> list[Envelope[Any]]:
        left, self._queue = list(self._queue or ()), None
        return left

    def _arm(self) -> None:
        if self._loop is None or self._turn is None:
            return
        self._armed = True
        self._loop.call_soon(self._turn)
