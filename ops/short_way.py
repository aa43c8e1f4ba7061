"""The short way of an update through the server: no task, no layers, one answer made beforehand.

Only what Telegram really sends goes it: a small POST of known length, whole, for a path and a secret that fit. Whatever
else comes goes the usual way from its beginning, as if this were not here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from starlette.responses import Response

from domain.hearing import Whose
from gateway.clients import Clients
from gateway.intake import PREFIX, SECRET, TAKEN, Intake
from gateway.last_resort import unexpected
from gateway.problems import Problem, told
from ops.connections import Guarded, written

SMALL = 64 * 1024
"""uvicorn stops reading at so much, until somebody takes it. Updates have a few kilobytes."""
TARGET = PREFIX.encode()


class OnItsWay:
    """In the place of uvicorn's own cycle of request and answer, with all that its protocol looks at."""

    __slots__ = ("body", "disconnected", "keep_alive", "message_event", "more_body", "response_complete", "whose")
    response_started = False

    def __init__(self, whose: Whose) -> None:
        self.whose = whose
        self.body = bytearray()
        self.more_body = self.keep_alive = True
        self.disconnected = self.response_complete = False
        self.message_event = NOBODY


class _Nobody:
    def set(self) -> None:
        """Nobody waits."""


NOBODY = _Nobody()


def with_short_way(protocol: type[Guarded], intake: Intake, clients: Clients) -> type[Guarded]:
    return type("ShortWayProtocol", (ShortWay, protocol), {"intake": intake, "clients": clients})


class ShortWay(Guarded):
    intake: ClassVar[Intake]
    clients: ClassVar[Clients]
    _update: OnItsWay | None = None

    def begin(self) -> None:
        whose = self._expected()
        if whose is None:
            super().begin()
            return
        self._update = OnItsWay(whose)
        self.cycle = self._update  # type: ignore[assignment]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        update, self._update = self._update, None
        if update is not None:
            self._take(update)

    def _expected(self) -> Whose | None:
        if not self.url.startswith(TARGET) or not self._is_idle() or self.expect_100_continue:
            return None
        parser = self.parser
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > SMALL or parser.should_upgrade() or self.flow.write_paused:
            return None
        return self.intake.expected(self.url.decode("latin-1"), headers.get(SECRET, b""))

    def _take(self, update: OnItsWay) -> None:
        def answered(problem: Problem | None) -> None:
            self._answer(update, told(problem) if problem is not None else None)

        try:
            self.intake.count(update.whose, self.clients.sent(self.scope))
            self.intake.take(update.whose, bytes(update.body), answered)
        except Problem as problem:
            answered(problem)
        except Exception as error:  # noqa: BLE001  as the outermost layer of the usual way
            answered(unexpected(error))

    def _answer(self, update: OnItsWay, response: Response | None) -> None:
        if update.response_complete or update.disconnected or self.transport.is_closing():
            return
        update.response_complete = True
        head = tuple(self.server_state.default_headers)
        self.transport.write(_taken(head) if response is None else written(response, head))
        if update.keep_alive:
            self.on_response_complete()
        else:
            # The server stops. Telegram may send no more here.
            self.transport.close()


@lru_cache
def _taken(of_the_server: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """What every update is answered that is on disk."""
    return written(TAKEN, of_the_server)
