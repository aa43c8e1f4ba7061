"""Which events a projection is to leave out: an admin's decisions, from the log, so that every rebuild obeys them."""

from __future__ import annotations

from collections.abc import Mapping

from domain.events import ProjectionEventSkipped
from domain.store.ledger import Ledger
from domain.streams import projection_stream

Skips = Mapping[int, ProjectionEventSkipped]
"""By position."""


def skips_of(ledger: Ledger, name: str) -> Skips:
    events = [recorded.event for recorded in ledger.stream(projection_stream(name))]
    return {event.skipped_position: event for event in events if isinstance(event, ProjectionEventSkipped)}
