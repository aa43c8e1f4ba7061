"""Which stretch of time a question is about: `hours` back from now, or `from` and `to`; and in which buckets."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from starlette.requests import Request

from gateway.problems import Problem
from gateway.queries import Parameter, Time, Whole
from projections.span import Span

BUCKETS_S = (300, 3600, 86_400)
HOURS = Whole("hours", "So far back from now.", 24, least=1, most=168)
FROM = Time("from", "When it begins, in place of `hours`.")
TO = Time("to", "When it ends, which is now unless said.")
OF_A_PERIOD = (
    HOURS,
    FROM,
    TO,
    Parameter(
        "bucket_s",
        "Seconds of a point; the finest that gives few enough points, unless said.",
        {"type": "integer", "enum": BUCKETS_S},
    ),
)
POINTS_MAX = 2100
"""A week in buckets of five minutes, and a little."""


def span_in(request: Request, now: datetime) -> Span:
    """Ends now at the latest. Without a wish, the last day."""
    start, end = _range_in(request, now)
    return Span(start, end, _bucket_s(request, start, end))


def _range_in(request: Request, now: datetime) -> tuple[datetime, datetime]:
    start, end = FROM.perhaps_of(request), TO.perhaps_of(request)
    if start is None and end is None:
        return now - timedelta(hours=HOURS.of(request)), now
    if HOURS.name in request.query_params:
        raise Problem("invalid_request", 'Ask either for "hours", or with "from" and "to".')
    if start is None:
        raise Problem("invalid_request", '"to" needs a "from" before it.')
    end = now if end is None else end
    if start >= now:
        raise Problem("invalid_request", '"from" lies in the future: nothing has happened there yet.')
    if start >= end:
        raise Problem("invalid_request", '"from" must be before "to".')
    return start, min(end, now)


def _bucket_s(request: Request, start: datetime, end: datetime) -> int:
    """The finest that gives few enough points, unless one is asked for."""
    asked = request.query_params.get("bucket_s")
    if asked is not None and asked not in map(str, BUCKETS_S):
        raise Problem("invalid_request", f'"bucket_s" must be one of {", ".join(map(str, BUCKETS_S))}.')
    for bucket_s in BUCKETS_S if asked is None else (int(asked),):
        if _points(start, end, bucket_s) <= POINTS_MAX:
            return bucket_s
    hint = 'a shorter range or a larger "bucket_s"' if asked else "a shorter range"
    raise Problem("invalid_request", f"That would be more than {POINTS_MAX} points: ask for {hint}.")


def _points(start: datetime, end: datetime, bucket_s: int) -> int:
    return math.ceil(end.timestamp() / bucket_s) - math.floor(start.timestamp() / bucket_s)
