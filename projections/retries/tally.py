"""What is counted of one category and strategy, on one day, for one bot or for the fleet."""

from __future__ import annotations

from typing import Any

import msgspec

from domain import events
from projections import spread
from projections.spread import Spread

FLEET = 0
"""Stands for all bots together: no bot has this id."""


class Tally(msgspec.Struct, gc=False):
    """Its fields in the order of the table's columns."""

    bot_id: int
    day: int
    """When it begins (UTC), in seconds since 1970."""
    category: str
    strategy: str
    failed: int = 0
    retried: int = 0
    recovered: int = 0
    given_up: int = 0
    delay_ms: float = 0.0
    """All together."""
    delay_ms_max: float = 0.0
    delays: Spread = {}

    def attempt_failed(self, event: events.AttemptFailed) -> None:
        self.failed += 1
        if event.again_at is not None:
            delay_ms = max(0.0, (event.again_at - event.occurred_at).total_seconds() * 1000)
            self.retried += 1
            self.delay_ms += delay_ms
            self.delay_ms_max = max(self.delay_ms_max, delay_ms)
            spread.count(self.delays, delay_ms)

    def add(self, other: Tally) -> None:
        self.failed += other.failed
        self.retried += other.retried
        self.recovered += other.recovered
        self.given_up += other.given_up
        self.delay_ms += other.delay_ms
        self.delay_ms_max = max(self.delay_ms_max, other.delay_ms_max)
        spread.add(self.delays, other.delays)


COLUMNS = Tally.__struct_fields__


def from_row(row: tuple[Any, ...]) -> Tally:
    tally = Tally(*row)
    tally.delays = spread.from_bytes(row[-1])
    return tally


def to_row(tally: Tally) -> tuple[Any, ...]:
    return (*msgspec.structs.astuple(tally)[:-1], spread.to_bytes(tally.delays))
