"""One projection, one batch; and which event it is that a projection cannot fold."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from domain.store.mapper import Recorded
from projections.projection import Projection

log = structlog.get_logger(__name__)


class Folded(NamedTuple):
    position: int
    poison: str | None


def fold(projection: Projection, events: Sequence[Recorded], at: int, connection: sqlite3.Connection) -> Folded:
    """How far it came from `at`, and what stopped it. Whatever a stopped fold has written is undone.

    Raises sqlite3.OperationalError: that is the file's trouble, not the event's, and all of it is tried again later.
    """
    if not events:
        return Folded(at, None)
    if _attempt(projection, events, connection) is None:
        return Folded(events[-1].position, None)
    # Somewhere in there: one by one finds it, and keeps what came before it.
    for recorded in events:
        error = _attempt(projection, [recorded], connection)
        if error is not None:
            reason = repr(error)
            log.error("projection_stopped", projection=projection.name, position=recorded.position, reason=reason)
            return Folded(at, f"{recorded.event.TOPIC} at position {recorded.position}: {reason}")
        at = recorded.position
    return Folded(at, None)


def _attempt(projection: Projection, events: Sequence[Recorded], connection: sqlite3.Connection) -> Exception | None:
    connection.execute("SAVEPOINT fold")
    try:
        projection.fold(events, connection)
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001  a fold may fail in any way; it must not take the others along
        connection.execute("ROLLBACK TO fold")
        connection.execute("RELEASE fold")
        return error
    connection.execute("RELEASE fold")
    return None
