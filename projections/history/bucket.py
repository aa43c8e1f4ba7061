"""Five minutes of one bot's commands, by the time at which each ended or failed.

Commands are counted as the health view counts them. A bucket is one tenant's: a bot's new owner sees nothing of what
the former one did with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import msgspec

from domain import events
from projections import spread
from projections.spread import Spread

BUCKET_S = 300
SHELF_S = 3600


class Bucket(msgspec.Struct, gc=False):
    """Its fields in the order of the table's columns."""

    shelf: int
    """The hour in which it lies.

    All bots' buckets of an hour lie together: a batch writes to few pages, a bot's day is read from 24 places, and old
    ones can be dropped from one end.
    """
    bot_id: int
    at: int
    """When it begins, in seconds since 1970."""
    tenant_id: str
    successful: int = 0
    failed: int = 0
    rejected: int = 0
    not_sent: int = 0
    uncertain: int = 0
    """Of the failed ones."""
    retries: int = 0
    rate_limited: int = 0
    """Attempts that Telegram answered with 429."""
    answered: int = 0
    telegram_ms: float = 0.0
    """Of all that Telegram answered, together."""
    latencies: Spread = {}

    def delivered(self, telegram_ms: Sequence[float], took_ms: Sequence[float]) -> None:
        """So many. Added one by one: a sum must not depend on how many come at a time."""
        self.successful += len(took_ms)
        self.answered += len(took_ms)
        self.telegram_ms = reduce(add, telegram_ms, self.telegram_ms)
        spread.count_all(self.latencies, took_ms)

    def answer(self, event: events.Ended) -> None:
        self.answered += 1
        self.telegram_ms += event.telegram_ms
        spread.count(self.latencies, event.telegram_ms + event.queue_ms)

    def add(self, other: Bucket) -> None:
        self.successful += other.successful
        self.failed += other.failed
        self.rejected += other.rejected
        self.not_sent += other.not_sent
        self.uncertain += other.uncertain
        self.retries += other.retries
        self.rate_limited += other.rate_limited
        self.answered += other.answered
        self.telegram_ms += other.telegram_ms
        spread.add(self.latencies, other.latencies)


KEY = Bucket.__struct_fields__[:4]
COLUMNS = Bucket.__struct_fields__


def from_row(row: tuple[Any, ...]) -> Bucket:
    bucket = Bucket(*row)
    bucket.latencies = spread.from_bytes(row[-1])
    return bucket


def to_row(bucket: Bucket) -> tuple[Any, ...]:
    return (*msgspec.structs.astuple(bucket)[:-1], spread.to_bytes(bucket.latencies))
