"""About the system itself, and what its operator must be told."""

from __future__ import annotations

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
