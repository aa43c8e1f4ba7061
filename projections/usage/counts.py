"""What is counted, in the order of the tables' columns; all of it whole numbers, so that sums do not depend on order.

The first four are places in a list as `CountedAs` numbers them.
"""

from __future__ import annotations

from projections.outcomes import CountedAs

COUNTS = (
    "successful",
    "failed",
    "rejected",
    "not_sent",
    "uncertain",
    "retries",
    "rate_limited",
    "answered",
    "response_us",
    "telegram_us",
)
"""`uncertain` are among the failed; `rate_limited` are answers 429, of which one command may have several; `answered`
is how many commands have a response time: those that Telegram delivered or rejected."""
CHAT_COUNTS = ("successful", "failed", "rejected", "not_sent", "rate_limited")

SUCCESSFUL = int(CountedAs.SUCCESSFUL)
UNCERTAIN, RETRIES, RATE_LIMITED, ANSWERED, RESPONSE_US, TELEGRAM_US = range(4, 10)
CHAT_RATE_LIMITED = 4

US_PER_MS = 1000


def columns_of(counts: tuple[str, ...]) -> str:
    return ", ".join(f"{name} INTEGER NOT NULL" for name in counts)


def added(counts: tuple[str, ...]) -> str:
    """For ON CONFLICT: what is there and what comes."""
    return ", ".join(f"{name}={name}+excluded.{name}" for name in counts)


def sums(counts: tuple[str, ...]) -> str:
    return ", ".join(f"SUM({name})" for name in counts)


REQUESTS = "successful+failed+rejected"
TROUBLED = "failed+rejected+rate_limited>0"
"""The few rows of chats that an index of their own finds."""
