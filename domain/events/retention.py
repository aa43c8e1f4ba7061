"""What stands in the log for days that were dropped."""

from __future__ import annotations

from domain.events.base import Event


class DaySummarised(Event, frozen=True, kw_only=True):
    """One bot's day under one owner, before its events were dropped: how many there were of each topic."""

    TOPIC = "day-summarised"
    bot_id: int
    tenant_id: str
    day: str
    """yyyy-mm-dd."""
    up_to: int
    """The position at which the rows below were as they are."""
    counts: dict[str, int]
    rows: bytes = b""
    """What the projections had of this day, for a rebuild that cannot fold its events any more."""


class RetentionRan(Event, frozen=True, kw_only=True):
    """Events of days are gone up to and with this position. What is left begins with the day `kept_from`."""

    TOPIC = "retention-ran"
    tenant_id: str
    """The operator's."""
    up_to: int
    kept_from: str
    events: int
    by: str
