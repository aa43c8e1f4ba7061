"""One projection, one batch; and which event it is that a projection cannot fold."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

import structlog

from domain.store.mapper import Recorded
from projections.projection import Projection
from projections.state import Stop

log = structlog.get_logger(__name__)


class Folded(NamedTuple):
    position: int
    stop: Stop | None


def fold(
    projection: Projection,
    events: Sequence[Recorded],
    at: int,
    connection: sqlite3.Connection,
    skipped: Collection[int] = (),
) -> Folded:
    """How far it came from `at`, and what stopped it. Whatever a stopped fold has written is undone.

    Raises what is the file's trouble, not the event's: all of it is tried again later.
    """
    if not events:
        return Folded(at, None)
    wanted = [recorded for recorded in events if recorded.position not in skipped] if skipped else events
    if _attempt(projection, wanted, connection) is None:
        return Folded(events[-1].position, None)
    # Somewhere in there: one by one finds it, and keeps what came before it.
    for recorded in wanted:
        error = _attempt(projection, [recorded], connection)
        if error is not None:
            return Folded(at, stopped(projection, recorded.position, recorded.event.TOPIC, repr(error)))
        at = recorded.position
    return Folded(events[-1].position, None)


def stopped(projection: Projection, position: int, topic: str, reason: str) -> Stop:
    log.error("projection_stopped", projection=projection.name, position=position, topic=topic, reason=reason)
    return Stop(reason, position, topic)


def is_of_the_file(error: Exception) -> bool:
    """A full disk, a locked or a damaged file, and no event's fault."""
    return isinstance(error, sqlite3.OperationalError) or is_damage(error)


def is_damage(error: Exception) -> bool:
    """What SQLite says of a file that is no database, or no longer a whole one, has no class of its own."""
    return type(error) is sqlite3.DatabaseError


def _attempt(projection: Projection, events: Sequence[Recorded], connection: sqlite3.Connection) -> Exception | None:
    connection.execute("SAVEPOINT fold")
    try:
        projection.fold(events, connection)
    except Exception as error:
        # A fold may fail in any way; it must not take the others along.
        if is_of_the_file(error):
            raise
        connection.execute("ROLLBACK TO fold")
        connection.execute("RELEASE fold")
        return error
    connection.execute("RELEASE fold")
    return None
