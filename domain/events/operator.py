"""What operators did: kept for ever, so that nobody has to remember it."""

from __future__ import annotations

from domain.events.base import Event


class OperatorEvent(Event, frozen=True, kw_only=True):
    tenant_id: str
    """Whose key it was."""
    by: str
    """The key's id, or `settings` for the admin's key of the settings."""
    reason: str


class AdminActed(OperatorEvent, frozen=True, kw_only=True):
    """Stream admin/<yyyy-mm-dd>. Written before the act: one that leaves no trace is not done."""

    TOPIC = "admin-acted"
    action: str
    """Whatever was acted on and how: `projection.pause`."""
    target: str
    client: str = ""
    """The address that it was asked from; empty where that was not recorded yet."""


class AdminActRefused(Event, frozen=True, kw_only=True):
    """In the stream of its act, which was not done."""

    TOPIC = "admin-act-refused"
    tenant_id: str
    act_position: int
    code: str
    """Of the problem that the admin was answered with."""


class ProjectionEventSkipped(OperatorEvent, frozen=True, kw_only=True):
    """Stream projections/<name>. It changes what a view says, so every fold of that projection obeys it."""

    TOPIC = "projection-event-skipped"
    projection: str
    skipped_position: int
    skipped_topic: str
    cause: str
    """Why it could not be folded."""
