"""What a reader is told about one bot, and about all of them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.rules.health import Health


class BotHealth(msgspec.Struct, frozen=True, kw_only=True):
    """`error_rate` is that of the last 15 minutes; response times are of commands that Telegram answered."""

    bot_id: int
    tenant_id: str
    status: Health
    total_requests: int
    """successful + failed + rejected: each ended command is in one of these, or in the next."""
    successful_requests: int
    failed_requests: int
    rejected_requests: int
    not_sent_requests: int
    """Refused by ourselves: no requests."""
    uncertain_requests: int
    """Of the failed ones."""
    retries: int
    error_rate: float
    lifetime_error_rate: float
    avg_response_time_ms: float | None
    p50_ms: float | None
    p99_ms: float | None
    last_success: datetime | None
    last_failure: datetime | None
    consecutive_failures: int
    is_rate_limited: bool
    breaker: str


class HealthSummary(msgspec.Struct, frozen=True, kw_only=True):
    bots: int
    bots_by_status: dict[Health, int]
    total_requests: int
    successful_requests: int
    failed_requests: int
    rejected_requests: int
    not_sent_requests: int
    uncertain_requests: int
    retries: int
    error_rate: float
    lifetime_error_rate: float
    p50_ms: float | None
    p99_ms: float | None
    rate_limited: int
    breakers_not_closed: int
