"""Acts of whoever may write the database, while no gateway runs: on record like those of an admin's key."""

from __future__ import annotations

from datetime import datetime

from domain.events import AdminActed
from domain.tenant import OPERATOR

BY_HAND = ("command line", "this machine")
"""Who it was, and from where."""


def acted(action: str, target: str, reason: str, now: datetime) -> AdminActed:
    by, client = BY_HAND
    return AdminActed(
        occurred_at=now, tenant_id=OPERATOR, by=by, client=client, reason=reason, action=action, target=target
    )
