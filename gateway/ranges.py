"""Of which days a question is, out of `?days=7` or `?from=2026-07-01&to=2026-07-07`: whole days, UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

from starlette.requests import Request

from gateway.problems import Problem
from gateway.queries import DAY, Choice, Parameter, Whole
from projections.usage import By, Span, last_days, usual
from projections.usage.spans import DAY_S

DAYS_MAX = 366
HOURLY_DAYS_MAX = 31
DAYS = Whole("days", "The last days, today among them.", 7, least=1, most=DAYS_MAX)
BY = Choice("by", "What a point of the trend is of; by the length of the range, unless said.", By)
OF_DAYS = (
    DAYS,
    Parameter("from", "The first day, in place of `days`.", DAY),
    Parameter("to", "The last day, which is today unless said.", DAY),
)


def span_in_query(request: Request, now: datetime) -> Span:
    """Raises a problem for what is no range, and for one that begins after today or is longer than a year."""
    asked = request.query_params
    if "from" not in asked and "to" not in asked:
        return last_days(DAYS.of(request), now)
    if "days" in asked:
        raise _invalid('Either "days", or "from" and "to".')
    if "from" not in asked:
        raise _invalid('"to" needs a "from": from=2026-07-01&to=2026-07-07 is a week.')
    today = now.astimezone(UTC).date()
    first = _day("from", asked["from"])
    last = _day("to", asked["to"]) if "to" in asked else today
    if first > today:
        raise _invalid(f'"from" is after today, {today}.')
    if last < first:
        raise _invalid('"to" is before "from".')
    if (last - first).days >= DAYS_MAX:
        raise _invalid(f"The range may have {DAYS_MAX} days at most.")
    start = _second(first)
    return Span(start, min(_second(last), _second(today)) + DAY_S)


def by_in_query(request: Request, span: Span) -> By:
    by = BY.of(request, usual(span))
    if by is By.HOUR and span.end - span.start > HOURLY_DAYS_MAX * DAY_S:
        raise _invalid(f"Hour by hour a range may have {HOURLY_DAYS_MAX} days at most.")
    return by


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _invalid(f'"{name}" must be a day such as 2026-07-01.') from None


def _second(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _invalid(detail: str) -> Problem:
    return Problem("invalid_request", detail)
