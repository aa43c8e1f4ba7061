"""About the system itself, and what its operator must be told."""

from __future__ import annotations

from datetime import datetime

from actors.messages.base import Message


class DescribeFleet(Message, frozen=True):
    """Answered with `FleetState`."""


class FleetState(Message, frozen=True):
    bots: int
    awake: int
    open_commands: int
    draining: bool
    unrecorded_s: float = 0.0
    """How long the oldest event has been waiting for the disk."""
    refusals_left_out: int = 0
    """Since the process started: refused while the store took no more, and not in the log."""


class Drain(Message, frozen=True):
    """Takes nothing new, lets what is in flight finish within `bound_s`, stops every bot. Answered with None."""

    bound_s: float


class RaiseAlert(Message, frozen=True):
    """One incident is told once, however often it is raised."""

    kind: str
    bot_id: int
    tenant_id: str
    detail: str


class ClearAlert(Message, frozen=True):
    kind: str
    bot_id: int


class DescribeAlerts(Message, frozen=True):
    """Answered with the open ones: a list of `AlertRaised`."""


class RunRetention(Message, frozen=True):
    """Answered with `RetentionReport`."""

    by: str


class DescribeRetention(Message, frozen=True):
    """Answered with `RetentionState`."""


class RetentionReport(Message, frozen=True):
    at: datetime
    kept_from: str
    """The oldest day that is kept, yyyy-mm-dd."""
    days: int
    events: int
    """How many were dropped."""
    up_to: int
    """Positions up to here are before the horizon now; 0: nothing was dropped."""
    not_now: str | None = None
    """Why nothing was dropped, where there was something to drop."""


class ResetRetryStatistics(Message, frozen=True):
    """Of one bot, or with None of all. Answered with the position from which they count anew."""

    bot_id: int | None
    reason: str
    by: str


class RetentionState(Message, frozen=True):
    running: bool
    last_run: RetentionReport | None
