"""Tenants by how much their error rate has risen: this stretch of days beside as many days before it."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import msgspec

from projections.moments import moment
from projections.usage.counts import REQUEST_COUNTS, sums
from projections.usage.figures import Requests, change_pct, requests
from projections.usage.lists import Page, Slice, page
from projections.usage.rows import Whose, of_days
from projections.usage.spans import Span
from projections.views import Readable


class TenantUsage(Requests, frozen=True, kw_only=True):
    tenant_id: str
    previous_total_requests: int
    previous_error_rate: float | None
    """Null where nothing was asked of Telegram then."""
    error_rate_rise: float
    """The difference of the two rates; before a tenant's first request its rate counts as 0."""
    error_rate_change_pct: float | None


class Tenants(msgspec.Struct, frozen=True, kw_only=True):
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    previous_start: datetime = msgspec.field(name="previous_from")
    tenants: Page[TenantUsage]


def tenants(views: Readable, whose: Whose, span: Span, cut: Slice) -> Tenants:
    earlier = Span(2 * span.start - span.end, span.start)
    with views.reading() as connection:
        this, previous = _by_tenant(connection, whose, span), _by_tenant(connection, whose, earlier)
    rows = [_risen(tenant_id, figures, previous.get(tenant_id)) for tenant_id, figures in this.items()]
    rows.sort(key=lambda row: (-row.error_rate_rise, -row.failed_requests, row.tenant_id))
    return Tenants(
        start=moment(span.start),
        end=moment(span.end),
        previous_start=moment(earlier.start),
        tenants=page(rows[cut.offset : cut.offset + cut.limit + 1], cut),
    )


def _by_tenant(connection: sqlite3.Connection, whose: Whose, span: Span) -> dict[str, Requests]:
    where, values = of_days(whose, span)
    rows = connection.execute(
        f"SELECT tenant_id, {sums(REQUEST_COUNTS)} FROM usage_methods WHERE {where} GROUP BY tenant_id",  # noqa: S608  ours
        values,
    )
    return {tenant_id: Requests(**requests(*counts)) for tenant_id, *counts in rows}


def _risen(tenant_id: str, now: Requests, was: Requests | None) -> TenantUsage:
    asked = was is not None and was.successful_requests + was.failed_requests > 0
    rate = was.error_rate if was is not None and asked else None
    return TenantUsage(
        **msgspec.structs.asdict(now),
        tenant_id=tenant_id,
        previous_total_requests=was.total_requests if was is not None else 0,
        previous_error_rate=rate,
        error_rate_rise=now.error_rate - (rate or 0.0),
        error_rate_change_pct=change_pct(now.error_rate, rate),
    )
