"""What the audit actor can be asked: to put on record what an admin is about to do, and what became of it."""

from __future__ import annotations

from actors.messages.base import Message


class Act(Message, frozen=True):
    """By an admin. Answered with `OnRecord`: then it may be done."""

    action: str
    target: str
    reason: str
    tenant_id: str
    by: str
    client: str


class OnRecord(Message, frozen=True):
    """Where an act stands in the log."""

    position: int
    stream: str


class ActRefused(Message, frozen=True):
    """It was not done. Answered with the position."""

    act: OnRecord
    tenant_id: str
    code: str


class SkipEvent(Message, frozen=True):
    """A projection goes on behind the event that it cannot fold. Answered with the position of the decision."""

    projection: str
    position: int
    topic: str
    cause: str
    reason: str
    tenant_id: str
    by: str
