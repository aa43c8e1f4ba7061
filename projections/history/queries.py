"""Reads of the history view. Synchronous: the gateway calls them in a worker thread. `now` is always an argument."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from domain.rules import health
from domain.rules.health import Health
from projections import spread
from projections.history import bucket as buckets
from projections.history.bucket import SHELF_S, Bucket
from projections.history.figures import Figures, History, Incident, Incidents, Kind, Point
from projections.moments import moment
from projections.span import Span
from projections.views import Readable

SHOWN_MAX = 100
SUSPENSIONS_MAX = 1000

_BUCKETS = f"""SELECT {", ".join(buckets.COLUMNS)} FROM json_each(:shelves) CROSS JOIN history
    WHERE shelf=value AND bot_id=:bot_id AND at>=:start AND at<:end"""  # noqa: S608  our own column names
# One that ends by itself when its time is over ends so whether or not anything has happened since.
_OVER = "COALESCE(ended_at, CASE WHEN over_by<=:now THEN over_by END)"
_INCIDENTS = f"""SELECT incident_id, incidents.bot_id, incidents.tenant_id, kind, started_at, {_OVER}, cause
    FROM incidents LEFT JOIN bot_conditions c ON c.bot_id=incidents.bot_id AND c.unhealthy=incident_id
    WHERE started_at<:end AND ({_OVER} IS NULL OR {_OVER}>:start)"""  # noqa: S608
_KNOWN = "SELECT 1 FROM bot_conditions WHERE bot_id=:bot_id"
_NEWEST_FIRST = "ORDER BY incident_id DESC LIMIT :limit"
_BOT = "AND incidents.bot_id=:bot_id"
_TENANT = "AND {0}tenant_id=COALESCE(:tenant_id, {0}tenant_id)"


def history_of(
    views: Readable, bot_id: int, span: Span, now: datetime, *, tenant_id: str | None = None
) -> History | None:
    """Of its time with this tenant, or with whomever. None: nobody has such a bot, and nothing is told of one.

    The range is widened to begin where a bucket does.
    """
    start = int(span.start.timestamp() // span.bucket_s) * span.bucket_s
    end = span.end.timestamp()
    asked: dict[str, Any] = {
        "bot_id": bot_id,
        "start": start,
        "end": end,
        "now": now.timestamp(),
        "tenant_id": tenant_id,
    }
    with views.reading() as connection:
        asked["shelves"] = _shelves(connection, start, end)
        rows = connection.execute(f"{_BUCKETS} {_TENANT.format('')}", asked)
        found, totals = _merged(map(buckets.from_row, rows), span.bucket_s)
        of_bot = f"{_BOT} {_TENANT.format('incidents.')}"
        shown = _read(connection, of_bot, {**asked, "limit": SHOWN_MAX})
        only = f"{of_bot} AND kind='{Kind.SUSPENDED}'"
        suspensions = _read(connection, only, {**asked, "limit": SUSPENSIONS_MAX})
        if not (found or shown or connection.execute(_KNOWN, asked).fetchone()):
            return None
    closed = [(one.start.timestamp(), one.end.timestamp() if one.end else end) for one in suspensions]
    points = [
        _point(found.get(at), at, suspended=_covered(closed, at, min(at + span.bucket_s, end)))
        for at in range(start, math.ceil(end), span.bucket_s)
    ]
    return History(
        bot_id=bot_id,
        from_=moment(start),
        to=span.end,
        bucket_s=span.bucket_s,
        totals=Figures(**_figures(totals)),
        points=points,
        incidents=shown,
    )


def incidents(
    views: Readable,
    span: Span,
    now: datetime,
    *,
    bot_id: int | None = None,
    kind: Kind | None = None,
    limit: int = 100,
    before: int | None = None,
) -> Incidents:
    """Of all bots, those that reach into the range, newest first; `before`: the `next` of the page before."""
    asked = {
        "start": span.start.timestamp(),
        "end": span.end.timestamp(),
        "now": now.timestamp(),
        "bot_id": bot_id,
        "kind": kind,
        "before": before,
        "limit": limit + 1,
    }
    wanted = [
        _BOT if bot_id is not None else "",
        "AND kind=:kind" if kind is not None else "",
        "AND incident_id<:before" if before is not None else "",
    ]
    with views.reading() as connection:
        found = _read(connection, " ".join(wanted), asked)
    page = found[:limit]
    return Incidents(
        from_=span.start, to=span.end, incidents=page, next=page[-1].incident_id if len(found) > limit else None
    )


def _read(connection: sqlite3.Connection, wanted: str, asked: dict[str, Any]) -> list[Incident]:
    rows = connection.execute(f"{_INCIDENTS} {wanted} {_NEWEST_FIRST}", asked)
    return [
        Incident(
            incident_id=incident_id,
            bot_id=bot_id,
            tenant_id=tenant_id,
            kind=Kind(kind),
            start=moment(started_at),
            end=moment(ended_at),
            cause=cause,
        )
        for incident_id, bot_id, tenant_id, kind, started_at, ended_at, cause in rows
    ]


def _shelves(connection: sqlite3.Connection, start: int, end: float) -> str:
    """Those of the range, from the first that there is."""
    (first,) = connection.execute("SELECT MIN(shelf) FROM history").fetchone()
    if first is None:
        return "[]"
    begin = max(start // SHELF_S * SHELF_S, first)
    return msgspec.json.encode(list(range(begin, math.ceil(end), SHELF_S))).decode()


def _merged(found: Iterable[Bucket], bucket_s: int) -> tuple[dict[int, Bucket], Bucket]:
    """By the beginning of the larger bucket, and all together."""
    merged: dict[int, Bucket] = {}
    totals = Bucket(0, 0, 0, "")
    for bucket in found:
        totals.add(bucket)
        at = bucket.at // bucket_s * bucket_s
        if at in merged:
            merged[at].add(bucket)
        else:
            merged[at] = bucket
    return merged, totals


def _covered(closed: list[tuple[float, float]], start: float, end: float) -> bool:
    return any(began <= start and ended >= end for began, ended in closed)


def _point(bucket: Bucket | None, at: int, *, suspended: bool) -> Point:
    status = Health.SUSPENDED if suspended else None
    if bucket is None:
        return Point(at=moment(at), status=status, **_NOTHING)
    figures = _figures(bucket)
    if status is None and figures["total"]:
        status = health.status(suspended=False, error_rate=figures["error_rate"], consecutive_failures=0)
    return Point(at=moment(at), status=status, **figures)


def _figures(bucket: Bucket) -> dict[str, Any]:
    return {
        "total": bucket.successful + bucket.failed + bucket.rejected,
        "successful": bucket.successful,
        "failed": bucket.failed,
        "rejected": bucket.rejected,
        "not_sent": bucket.not_sent,
        "uncertain": bucket.uncertain,
        "retries": bucket.retries,
        "rate_limited": bucket.rate_limited,
        "error_rate": health.error_rate(bucket.successful, bucket.failed),
        "avg_response_time_ms": round(bucket.telegram_ms / bucket.answered, 3) if bucket.answered else None,
        "p50_ms": spread.percentile_ms(bucket.latencies, 0.5),
        "p99_ms": spread.percentile_ms(bucket.latencies, 0.99),
    }


_NOTHING = _figures(Bucket(0, 0, 0, ""))
