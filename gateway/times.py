"""Times as callers write them, in an address, a body or a command line: one rule for all of them.

ISO 8601: UTC unless a zone is said, and midnight where it is only a day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EXAMPLE = "2026-07-01T12:00:00Z"
A_DAY = timedelta(days=1)


def parsed(text: str) -> datetime:
    """In UTC. Raises ValueError, also at the ends of the calendar, where a moment has no neighbours to compare with."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        # In a query a plus that was not escaped arrives as a blank.
        found = datetime.fromisoformat(text.replace(" ", "+"))
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC) - A_DAY + A_DAY
    except OverflowError:
        raise ValueError(text) from None
