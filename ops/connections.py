"""Connections of callers, bounded in number, in the size of headers and in the time that a request may take to come.

uvicorn bounds none of these. Once a request has come whole nothing here ends it: it may wait for its answer, and be
answered, as long as its route likes. That is how long polls and streams live.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.counts import Counts
from gateway.problems import Problem, told
from ops.crowd import Crowd

LOGGED = RateLimitItemPerMinute(1)
LAST_REQUEST_S = 0.2
"""So long after the stop a request may still come on an idle line: it was on its way."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bounds:
    head_bytes: int = 32 * 1024
    headers: int = 100
    head_s: float = 10.0
    body_s: float = 60.0
    stalled_s: float = 300.0
    """A caller that takes nothing of its answer for so long is gone."""


class Reading(Enum):
    HEAD = auto()
    BODY = auto()
    NOTHING = auto()
    """The request is there, whole; or none has begun."""


class TooLarge(Exception):
    """Of headers. The parser makes an error of its own of it."""


def guarded(bounds: Bounds, crowd: Crowd) -> type[Guarded]:
    logged = MovingWindowRateLimiter(Counts(time.monotonic))
    return type("GuardedProtocol", (Guarded,), {"bounds": bounds, "crowd": crowd, "logged": logged})


class Guarded(HttpToolsProtocol):
    bounds: ClassVar[Bounds]
    crowd: ClassVar[Crowd]
    logged: ClassVar[MovingWindowRateLimiter]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading = Reading.HEAD
        self._requests = 0
        self._head_bytes = self._head_bytes_at_most = 0
        self._leave: Callable[[], None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._deadline_for = Reading.NOTHING
        self._stalled: asyncio.TimerHandle | None = None
        self._refused_as = "invalid_request"
        self._was_paused = False
        self._is_last = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = self.client[0] if self.client else ""
        self._leave = self.crowd.entered(peer)
        if self._leave is None:
            self._refuse("overloaded", "Too many connections are open.")
        else:
            self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._deadline, self._stalled):
            if timer is not None:
                timer.cancel()
        if self._leave is not None:
            self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        before, requests = self._reading, self._requests
        self._head_bytes_at_most += len(data)
        super().data_received(data)
        self._was_paused |= self.flow.read_paused
        begun = self._requests - requests
        if begun or self._reading is not Reading.HEAD:
            self._head_bytes_at_most = len(data)
        if self._reading is Reading.HEAD and (begun == 0 or (begun == 1 and before is not Reading.BODY)):
            # Else it is not known how much of this belongs to the request before.
            self._head_bytes += len(data)
        if self.transport.is_closing():
            return
        if self._reading is Reading.HEAD and self._head_bytes > self.bounds.head_bytes:
            self._refuse("headers_too_large")
        elif self._reading is before is Reading.NOTHING and begun == 0 and self._is_idle():
            # Empty lines before a request: they have ended the keep-alive timer and must not do so for ever.
            self._expect(Reading.HEAD)
        else:
            self._expect()

    def on_message_begin(self) -> None:
        self._requests += 1
        self._reading = Reading.HEAD
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if len(self.headers) > self.bounds.headers or self._head_is_too_large():
            self._refused_as = "headers_too_large"
            raise TooLarge
        self.begin()
        self._reading = Reading.BODY

    def begin(self) -> None:
        """The head of a request is there, and not too large."""
        super().on_headers_complete()
        if self._is_last:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._reading = Reading.NOTHING
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words, ours are in the codes
        self._refuse(self._refused_as)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(self.bounds.stalled_s, self.transport.abort)

    def resume_writing(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
        super().resume_writing()

    def shutdown(self) -> None:
        """Closed at once, an idle line would cut off whoever has just asked, who cannot know whether it was heard."""
        self._is_last = True
        if self._is_idle():
            self.loop.call_later(LAST_REQUEST_S, self._close_if_idle)
        else:
            super().shutdown()

    def _close_if_idle(self) -> None:
        if self._is_idle():
            self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _head_is_too_large(self) -> bool:
        if self._head_bytes_at_most <= self.bounds.head_bytes:
            return False
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.bounds.head_bytes

    def _expect(self, reading: Reading | None = None) -> None:
        """One timer for what is awaited. It begins with the first byte, and no later byte begins it anew."""
        reading = reading or self._reading
        if reading is self._deadline_for:
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._deadline_for = reading
        self._was_paused = self.flow.read_paused
        if reading is not Reading.NOTHING:
            within_s = self.bounds.head_s if reading is Reading.HEAD else self.bounds.body_s
            self._deadline = self.loop.call_later(within_s, self._late)

    def _late(self) -> None:
        if self._was_paused:
            # It was we who did not read: what we waited ourselves is not the caller's delay.
            self._was_paused = self.flow.read_paused
            self._deadline_for = Reading.NOTHING
            self._expect()
        elif self._requests == 0 and not self._head_bytes:
            # Nothing was asked, so nothing is answered: a browser opens connections in advance.
            self.transport.close()
        else:
            self._refuse("request_timeout")

    def _refuse(self, code: str, detail: str = "") -> None:
        address = self.client[0] if self.client else None
        if self.logged.hit(LOGGED, code):
            log.warning("connection_refused", code=code, address=address)
        # Never into an answer, nor a second one for the same request.
        if not self.cycle.response_started if self._reading is Reading.BODY else self._is_idle():
            self.transport.write(_refusal(code, detail, tuple(self.server_state.default_headers)))
        self.transport.close()


def written(response: Response, of_the_server: Sequence[tuple[bytes, bytes]], *more: tuple[bytes, bytes]) -> bytes:
    """A whole answer, as it goes over the line."""
    status = HTTPStatus(response.status_code)
    headers = [*of_the_server, *response.raw_headers, *more]
    lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode()), *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body)


@lru_cache
def _refusal(code: str, detail: str, of_the_server: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return written(told(Problem(code, detail)), of_the_server, (b"connection", b"close"))
