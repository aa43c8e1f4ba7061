"""What the audit actor can be asked by the gateway: to put on record what an admin is about to do."""

from __future__ import annotations

from actors.messages.base import Message


class Act(Message, frozen=True):
    """By an admin. Answered with the position of its record: then it may be done."""

    action: str
    target: str
    reason: str
    tenant_id: str
    by: str


class SkipEvent(Message, frozen=True):
    """A projection goes on behind the event that it cannot fold. Answered with the position of the decision."""

    projection: str
    position: int
    topic: str
    cause: str
    reason: str
    tenant_id: str
    by: str
