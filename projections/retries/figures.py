"""What a reader is told of retries."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.failure import Category, Strategy


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    failed_attempts: int
    retried: int
    """Of them, those after which another attempt was planned; after the others none was."""
    recovered: int
    """Commands delivered after one retry or more, under the category of their last failure."""
    given_up: int
    """Commands that were retried and ended otherwise, counted likewise."""
    recovery_rate: float | None
    """recovered / (recovered + given_up); None: none of them has ended."""
    avg_delay_ms: float | None
    """From the failure to the planned next attempt."""
    p50_delay_ms: float | None
    p99_delay_ms: float | None
    max_delay_ms: float | None


class Kind(Counts, frozen=True, kw_only=True):
    category: Category
    strategy: Strategy


class RetryStatistics(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: int | None
    """None: the whole fleet."""
    since: datetime | None
    """The last reset, or when the counting began; None: nothing has happened yet."""
    reset_reason: str | None
    totals: Counts
    open: int
    """Commands that were retried and have not ended yet."""
    by_kind: list[Kind]
