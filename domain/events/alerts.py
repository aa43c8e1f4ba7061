"""What an operator is told: stream alert/<kind>/<bot_id>, kept for ever, since an incident outlives a process."""

from __future__ import annotations

from domain.events.base import Event


class AlertEvent(Event, frozen=True, kw_only=True):
    """`tenant_id` is the owner of the bot."""

    bot_id: int
    tenant_id: str
    kind: str


class AlertRaised(AlertEvent, frozen=True, kw_only=True):
    """There is an incident that the operator must know of."""

    TOPIC = "alert-raised"
    detail: str


class AlertCleared(AlertEvent, frozen=True, kw_only=True):
    """The incident is over; `detail` is what was raised."""

    TOPIC = "alert-cleared"
    detail: str


class AlertPosted(AlertEvent, frozen=True, kw_only=True):
    """The operator's end of the line has taken it."""

    TOPIC = "alert-posted"
    told: str
    """The topic of what it has taken."""
