"""The short way of an update through the server: no task, no layers, one answer made beforehand.

Only what Telegram really sends goes it: a small POST of known length, whole, for a path and a secret that fit. Whatever
else comes goes the usual way from its beginning, as if this were not here.

Telegram sends the same head each time, but for the length: one that has been parsed before, and came this way, is not
parsed again.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import ClassVar, NamedTuple

from starlette.responses import Response

from domain.hearing import Door
from gateway.clients import Client, Clients
from gateway.intake import PREFIX, SECRET, TAKEN, Intake
from gateway.last_resort import unexpected
from gateway.problems import Problem, told
from ops.connections import Guarded, Reading, written

SMALL = 64 * 1024
"""uvicorn stops reading at so much, until somebody takes it. Updates have a few kilobytes."""
MAX_DIGITS = 5
TARGET = PREFIX.encode()
BEGINNING = b"POST " + TARGET
END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: ?([0-9]{1,5})\r\n", re.IGNORECASE)
HEADS_KEPT = 20_000
HEAD_BYTES = 16


class Head(NamedTuple):
    """What the parser and the doorstep have said of one."""

    door: Door
    client: Client


Heads = dict[bytes, Head]
"""By a hash: a head holds a path and a secret."""


class _Nobody:
    def set(self) -> None:
        """Nobody waits."""


class OnItsWay:
    """In the place of uvicorn's own cycle of request and answer, with all that its protocol looks at."""

    __slots__ = ("body", "disconnected", "head", "keep_alive", "more_body", "response_complete")
    response_started = False
    message_event = _Nobody()

    def __init__(self, head: Head) -> None:
        self.head = head
        self.body = bytearray()
        self.more_body = self.keep_alive = True
        self.disconnected = self.response_complete = False


def with_short_way(protocol: type[Guarded], intake: Intake, clients: Clients) -> type[Guarded]:
    of_this_server = {"intake": intake, "clients": clients, "heads": Heads()}
    return type("ShortWayProtocol", (ShortWay, protocol), of_this_server)


class ShortWay(Guarded):
    intake: ClassVar[Intake]
    clients: ClassVar[Clients]
    heads: ClassVar[Heads]
    _update: OnItsWay | None = None
    _key: bytes | None = None

    def data_received(self, data: bytes) -> None:
        if not data.startswith(BEGINNING):
            super().data_received(data)
            return
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        length = LENGTH.search(data, 0, end)
        size = int(length[1]) if length is not None else 0
        if length is None or size > SMALL or len(data) != end + size or not self._is_between_requests():
            super().data_received(data)
            return
        peer = self.client[0] if self.client else ""
        seen = b"%b %b %b" % (peer.encode(), data[: length.start(1)], data[length.end(1) : end])
        key = hashlib.blake2b(seen, digest_size=HEAD_BYTES).digest()
        head = self.heads.get(key)
        if head is not None and head.door.stands:
            self._pass(head, data[end:])
        else:
            self._key = key
            super().data_received(data)
            self._key = None

    def begin(self) -> None:
        # One before it in the same read may have been refused at once, and the timer be set again.
        self._unset_keepalive_if_required()
        head = self._fits()
        if head is None:
            super().begin()
            return
        if self._key is not None:
            if len(self.heads) >= HEADS_KEPT:
                self.heads.clear()
            self.heads[self._key] = head
        self._update = OnItsWay(head)
        self.cycle = self._update  # type: ignore[assignment]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        update, self._update = self._update, None
        if update is not None:
            self._take(update, bytes(update.body))

    def _is_between_requests(self) -> bool:
        has_begun_nothing = self._reading is Reading.NOTHING or (self._requests == 0 and not self._head_bytes)
        return has_begun_nothing and self._may_begin()

    def _may_begin(self) -> bool:
        if self._is_last or self.flow.write_paused or self.transport.is_closing():
            return False
        return self._is_idle()

    def _pass(self, head: Head, body: bytes) -> None:
        """By the parser, whose last word was the end of a request."""
        self._unset_keepalive_if_required()
        self._requests += 1
        self._reading = Reading.NOTHING
        self._expect()
        self.cycle = update = OnItsWay(head)  # type: ignore[assignment]
        self._take(update, body)

    def _fits(self) -> Head | None:
        parser = self.parser
        if not self.url.startswith(TARGET) or self.expect_100_continue or not self._may_begin():
            return None
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        # Python refuses to read numbers of thousands of digits.
        if not length.isdigit() or len(length) > MAX_DIGITS or int(length) > SMALL or parser.should_upgrade():
            return None
        door = self.intake.door(self.url.decode("latin-1"), headers.get(SECRET, b""))
        return Head(door, self.clients.sent(self.scope)) if door.stands else None

    def _take(self, update: OnItsWay, body: bytes) -> None:
        def answered(problem: Problem | None) -> None:
            self._answer(update, told(problem) if problem is not None else None)

        try:
            self.intake.count(update.head.door.whose, update.head.client)
            self.intake.take(update.head.door.whose, body, answered)
        except Problem as problem:
            answered(problem)
        except Exception as error:  # noqa: BLE001  as the outermost layer of the usual way
            answered(unexpected(error))

    def _answer(self, update: OnItsWay, response: Response | None) -> None:
        if self.transport.is_closing():
            return
        update.response_complete = True
        of_the_server = tuple(self.server_state.default_headers)
        if not update.keep_alive:
            # The server stops.
            self.transport.write(written(response or TAKEN, of_the_server, (b"connection", b"close")))
            self.transport.close()
            return
        self.transport.write(_taken(of_the_server) if response is None else written(response, of_the_server))
        self.on_response_complete()


@lru_cache
def _taken(of_the_server: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """What every update is answered that is on disk."""
    return written(TAKEN, of_the_server)
