"""What a reader is told; shaped so that a chart can take it as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from domain.rules.health import error_rate
from projections.moments import moment
from projections.spread import percentile_ms
from projections.usage.counts import COUNTS, US_PER_MS
from projections.usage.spans import Span


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    total_requests: int
    """successful + failed + rejected; what we refused ourselves is no request."""
    successful_requests: int
    failed_requests: int
    rejected_requests: int
    not_sent_requests: int
    rate_limited: int
    """Answers 429: one command may have several."""
    error_rate: float
    """failed of failed and successful: a tenant's own mistakes are on neither side."""


class Usage(Requests, frozen=True, kw_only=True):
    uncertain_requests: int
    """Of the failed ones."""
    retries: int
    avg_response_ms: float | None
    """From receipt to answer of the commands that Telegram delivered or rejected, waiting included."""
    avg_telegram_ms: float | None
    """Telegram's own share of it, of the last attempt."""


class MethodUsage(Requests, frozen=True, kw_only=True):
    method: str


class ChatUsage(Requests, frozen=True, kw_only=True):
    tenant_id: str
    bot_id: int
    chat: str


class Timed(Usage, frozen=True, kw_only=True):
    p50_ms: float | None
    p99_ms: float | None


class Point(Timed, frozen=True, kw_only=True):
    at: datetime


class Period(Timed, frozen=True, kw_only=True):
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """In per cent of what it was before; null where that was nothing."""

    total_requests_pct: float | None
    error_rate_pct: float | None
    avg_response_ms_pct: float | None


def requests(successful: int, failed: int, rejected: int, not_sent: int, rate_limited: int) -> dict[str, Any]:
    return {
        "total_requests": successful + failed + rejected,
        "successful_requests": successful,
        "failed_requests": failed,
        "rejected_requests": rejected,
        "not_sent_requests": not_sent,
        "rate_limited": rate_limited,
        "error_rate": error_rate(successful, failed),
    }


def usage(counts: Sequence[int]) -> dict[str, Any]:
    """The fields of `Usage`, from sums in the order of COUNTS."""
    of = dict(zip(COUNTS, counts, strict=True))
    return {
        **requests(of["successful"], of["failed"], of["rejected"], of["not_sent"], of["rate_limited"]),
        "uncertain_requests": of["uncertain"],
        "retries": of["retries"],
        "avg_response_ms": _mean_ms(of["response_us"], of["answered"]),
        "avg_telegram_ms": _mean_ms(of["telegram_us"], of["answered"]),
    }


def timed(counts: Sequence[int], classes: Mapping[int, int]) -> dict[str, Any]:
    return {**usage(counts), "p50_ms": percentile_ms(classes, 0.5), "p99_ms": percentile_ms(classes, 0.99)}


def period(span: Span, counts: Sequence[int], classes: Mapping[int, int]) -> Period:
    return Period(**timed(counts, classes), start=moment(span.start), end=moment(span.end))


def change(now: Usage, was: Usage) -> Change:
    return Change(
        total_requests_pct=change_pct(now.total_requests, was.total_requests),
        error_rate_pct=change_pct(now.error_rate, was.error_rate),
        avg_response_ms_pct=change_pct(now.avg_response_ms, was.avg_response_ms),
    )


def change_pct(now: float | None, was: float | None) -> float | None:
    return round((now - was) / was * 100, 2) if now is not None and was else None


def _mean_ms(sum_us: int, answered: int) -> float | None:
    return round(sum_us / answered / US_PER_MS, 3) if answered else None
