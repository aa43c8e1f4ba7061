"""What is counted, in the order of the tables' columns. All of it whole numbers: their sums do not depend on order."""

from __future__ import annotations

from projections.outcomes import CountedAs

REQUEST_COUNTS = ("successful", "failed", "rejected", "not_sent", "rate_limited")
"""Of a method or a chat. The first four stand where `CountedAs` says; `rate_limited` are answers 429, of which one
command may have several."""
COUNTS = (*REQUEST_COUNTS, "uncertain", "retries", "answered", "response_us", "telegram_us")
"""Of an hour. `uncertain` are among the failed; `answered` is how many commands have a response time: those that
Telegram delivered or rejected."""

SUCCESSFUL = int(CountedAs.SUCCESSFUL)
RATE_LIMITED, UNCERTAIN, RETRIES, ANSWERED, RESPONSE_US, TELEGRAM_US = range(4, 10)

US_PER_MS = 1000

REQUESTS = "successful+failed+rejected"
BUSY_FROM = 4
BUSY = f"{REQUESTS}>={BUSY_FROM}"
TROUBLED = "failed+rejected+rate_limited>0"
"""Rows of chats that an index of their own finds: few, so that it costs little to keep."""


def columns_of(counts: tuple[str, ...]) -> str:
    return ", ".join(f"{name} INTEGER NOT NULL" for name in counts)


def added(counts: tuple[str, ...]) -> str:
    """For ON CONFLICT: what is there and what comes."""
    return ", ".join(f"{name}={name}+excluded.{name}" for name in counts)


def sums(counts: tuple[str, ...]) -> str:
    return ", ".join(f"SUM({name})" for name in counts)
