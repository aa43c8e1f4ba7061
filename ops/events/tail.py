"""Follows the log live. A connection that breaks is made again, and goes on after the last event that came."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from ops.events.gateway import Cut, Gateway
from ops.events.plan import COMMON

STREAM = "/api/events/stream"
SILENT_S = 45.0
"""The gateway says something every 15."""
RETRY_S = 2.0
PLACE = b": position "


class Told(NamedTuple):
    position: int
    data: bytes
    """Empty: nothing happened up to here."""


def follow(gateway: Gateway, query: dict[str, str], lost: Callable[[str], None]) -> Iterator[bytes]:
    """Events on the wire, for ever. `lost` hears why a connection ended. Raises Refused."""
    last: int | None = None
    while True:
        try:
            headers = {} if last is None else {"Last-Event-ID": str(last)}
            with gateway.answer("GET", STREAM, query, headers, SILENT_S) as answer:
                for told in parsed(answer.pieces()):
                    last = told.position
                    if told.data:
                        yield told.data
            lost("The gateway has ended the stream.")
        except Cut as error:
            lost(str(error))
        time.sleep(RETRY_S)


def parsed(chunks: Iterator[bytes]) -> Iterator[Told]:
    rest = b""
    for chunk in chunks:
        *blocks, rest = (rest + chunk).split(b"\n\n")
        yield from (told for block in blocks if (told := _told(block)) is not None)


def _told(block: bytes) -> Told | None:
    if block.startswith(PLACE):
        return Told(int(block.partition(b"\n")[0][len(PLACE) :]), b"")
    fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
    return Told(int(fields[b"id"]), fields[b"data"]) if b"id" in fields else None


def shown(line: bytes) -> str:
    """For a person: when, which bot, what, and all that it has to say."""
    event = msgspec.json.decode(line, type=dict[str, object])
    own = {name: value for name, value in event.items() if name not in COMMON and value not in (None, "", [])}
    told = " ".join(f"{name}={value if isinstance(value, str) else _compact(value)}" for name, value in own.items())
    text = (
        f"{str(event['occurred_at'])[11:23]:<12} {event['bot_id'] or event['tenant_id']!s:<12} {event['topic']} {told}"
    )
    # A text that came from outside must not move the cursor.
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _compact(value: object) -> str:
    return msgspec.json.encode(value).decode()
