"""How a projection is: how far it has come, and what keeps it from going on."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.events import ProjectionEventSkipped


class Stop(msgspec.Struct, frozen=True):
    """Why it stands still. With a position: that event cannot be folded. Without: its files or the log's store."""

    reason: str
    position: int | None = None
    topic: str | None = None


class Pause(msgspec.Struct, frozen=True):
    """An admin's: it goes on when somebody resumes it."""

    reason: str
    by: str
    since: datetime


class State(msgspec.Struct, frozen=True):
    name: str
    position: int
    error: Stop | None = None
    paused: Pause | None = None
    skipped: tuple[ProjectionEventSkipped, ...] = ()
