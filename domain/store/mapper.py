"""Events to stored bytes and back. JSON, so that a person with a SQLite shell can read a log."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from domain.events import CATALOGUE, Event

_encode = msgspec.json.Encoder().encode
_base = msgspec.json.Decoder(Event).decode
_decoders = {topic: msgspec.json.Decoder(event).decode for topic, event in CATALOGUE.items()}


class Entry(NamedTuple):
    """An event on its way into the log."""

    stream: str
    version: int
    event: Event


class Recorded(NamedTuple):
    """An event in the log."""

    position: int
    stream: str
    version: int
    event: Event


def to_bytes(event: Event) -> bytes:
    return _encode(event)


def time_of(state: bytes) -> datetime | None:
    """Of an event of any topic."""
    try:
        at = _base(state).occurred_at
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return at if at.tzinfo is not None else None


def from_bytes(topic: str, state: bytes) -> Event:
    return _decoders[topic](state)
