"""The fleet's breakers at a glance, for those who wonder why nothing is sent."""

from __future__ import annotations

from collections import Counter

import msgspec

from domain.rules.breaker import Phase
from projections.views import Readable

LISTED_MAX = 1000


class NotClosed(msgspec.Struct, frozen=True):
    bot_id: int
    tenant_id: str
    phase: str


class Breakers(msgspec.Struct, frozen=True):
    by_phase: dict[str, int]
    not_closed: list[NotClosed]
    """At most a thousand of them, by bot id."""


def breakers(views: Readable) -> Breakers:
    with views.reading() as connection:
        counted = Counter(dict(connection.execute("SELECT breaker, COUNT(*) FROM health GROUP BY breaker").fetchall()))
        rows = connection.execute(
            "SELECT bot_id, tenant_id, breaker FROM health WHERE breaker<>? ORDER BY bot_id LIMIT ?",
            (Phase.CLOSED.value, LISTED_MAX),
        ).fetchall()
    return Breakers({phase.value: counted[phase.value] for phase in Phase}, [NotClosed(*row) for row in rows])
