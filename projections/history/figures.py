"""What a reader is told: points for a chart, and incidents."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from domain.rules.health import Health


class Kind(StrEnum):
    UNHEALTHY = "unhealthy"
    BREAKER = "breaker"
    SUSPENDED = "suspended"


class Figures(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As in the health view: total = successful + failed + rejected; uncertain ones are among the failed."""

    total: int
    successful: int
    failed: int
    rejected: int
    not_sent: int
    uncertain: int
    retries: int
    rate_limited: int
    """Attempts that Telegram answered with 429."""
    error_rate: float
    avg_response_time_ms: float | None
    """Telegram's time, of what it answered."""
    p50_ms: float | None
    """With the wait before it."""
    p99_ms: float | None


class Point(Figures, frozen=True, kw_only=True, gc=False):
    at: datetime
    """When the bucket begins."""
    status: Health | None
    """By this bucket's own numbers; SUSPENDED where the bot was suspended all along; None: nothing happened."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    incident_id: int
    """The position of the event that began it."""
    bot_id: int
    tenant_id: str
    kind: Kind
    start: datetime
    end: datetime | None
    """None: it is not over."""
    cause: str


class Incidents(msgspec.Struct, frozen=True, kw_only=True):
    from_: datetime = msgspec.field(name="from")
    to: datetime
    incidents: list[Incident]
    next: int | None
    """The `before` of the next page; None: this was the last one."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: int
    from_: datetime = msgspec.field(name="from")
    to: datetime
    bucket_s: int
    totals: Figures
    points: list[Point]
    """One for each bucket from `from` to `to`, also where nothing happened."""
    incidents: list[Incident]
    """Those that reach into the range, newest first; at most a hundred."""
