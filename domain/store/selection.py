"""Which events a reader wants, and how much of that the database can tell before anything is decoded.

The database compares topics and names of streams and looks for a tenant's id in the stored bytes. What it cannot see
for certain (times, whose an event in a key's stream is) is looked up in the events that it lets through.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from domain.streams import DAY_NAME_AT, bot_stream, is_of_one_bot


class Selection(NamedTuple):
    """An empty set or None: all of them."""

    topics: frozenset[str] = frozenset()
    bots: frozenset[int] = frozenset()
    tenant_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    """Not at this moment any more, so that ranges fit together."""


EVERYTHING = Selection()


class Dialect(NamedTuple):
    mark: str
    """Where a parameter goes."""
    contains: str
    """Whether the bytes of `state` have a parameter in them."""


class _Head(msgspec.Struct, gc=False):
    occurred_at: datetime
    bot_id: int | None = None
    tenant_id: str | None = None


_head = msgspec.json.Decoder(_Head).decode


def conditions(selection: Selection, dialect: Dialect) -> tuple[str, list[object]]:
    """What follows another condition of a WHERE clause, and its parameters."""
    text, parameters = "", list[object]()
    if selection.topics:
        text += f" AND topic IN ({_marks(dialect, selection.topics)})"
        parameters += sorted(selection.topics)
    if selection.bots:
        ids = sorted(selection.bots)
        begins = "substr(originator_id, 1,"
        of_days = f"{begins} 2) = 'd/' AND substr(originator_id, {DAY_NAME_AT + 1}"
        text += (
            f" AND (originator_id IN ({_marks(dialect, ids)}) OR {of_days}) IN ({_marks(dialect, ids)})"
            # Streams that are no single bot's by their name: decoded below.
            f" OR {of_days}, 2) = 'k/' OR {begins} 2) <> 'd/' AND {begins} 4) <> 'bot/')"
        )
        parameters += [bot_stream(bot_id) for bot_id in ids]
        parameters += [str(bot_id) for bot_id in ids]
    if selection.tenant_id is not None:
        text += f" AND {dialect.contains}"
        # As it stands in the stored JSON. Inside a text the quotes would be escaped.
        parameters.append(b'"tenant_id":' + msgspec.json.encode(selection.tenant_id))
    return text, parameters


def fits(selection: Selection, stream: str, state: bytes) -> bool:
    """Whether an event that the database let through is wanted."""
    by_bot = bool(selection.bots) and not is_of_one_bot(stream)
    if not by_bot and selection[2:] == EVERYTHING[2:]:
        return True
    head = _head(state)
    return (
        (not by_bot or head.bot_id in selection.bots)
        and (selection.tenant_id is None or head.tenant_id == selection.tenant_id)
        and (selection.since is None or head.occurred_at >= selection.since)
        and (selection.before is None or head.occurred_at < selection.before)
    )


def occurred_at(state: bytes) -> datetime:
    return _head(state).occurred_at


def _marks(dialect: Dialect, values: Iterable[object]) -> str:
    return ", ".join(dialect.mark for _ in values)
