"""Times as callers write them in an address or a body."""

from __future__ import annotations

from datetime import UTC, datetime

EXAMPLE = "2026-07-01T12:00:00Z"


def parsed(text: str) -> datetime:
    """ISO 8601, in UTC where it says its zone. Raises ValueError, and OverflowError at the ends of the calendar."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is None else found.astimezone(UTC)


def parsed_of_address(text: str) -> datetime:
    """The same of a query in which a plus was not escaped, and arrives as a blank."""
    try:
        return parsed(text)
    except ValueError:
        return parsed(text.replace(" ", "+"))
