"""Days that are dropped: what stands for them afterwards, so that views rebuilt without them equal the live ones.

Everything is told as it was at one position, that of the newest event of the days that go. Nothing here writes events:
whoever runs it does, in this order: summaries, the baseline, `RetentionRan`, and only then is anything dropped.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from domain import events, streams
from domain.store.ledger import Ledger
from projections import baseline
from projections.baseline import Rows
from projections.past import Past
from projections.projection import Projection, Table

BATCH = 2000
PAUSE_S = 0.02
"""In which whoever records gets in between."""


class NotNow(Exception):
    """Why nothing may be dropped at the moment."""


class Plan(NamedTuple):
    kept_from: date
    first: int
    last: int
    """Positions of the oldest and the newest event that goes; 0: there is none."""


class Retention:
    """For a thread. Raises StoreUnavailable and Unfoldable."""

    def __init__(self, ledger: Ledger, past: Past, projections: Sequence[Projection]) -> None:
        self._ledger = ledger
        self._past = past
        self._projections = tuple(projections)

    def plan(self, kept_from: date, seen: int) -> Plan:
        """`seen`: where the projection is that is furthest behind. Raises NotNow."""
        first, last = self._ledger.days_before(kept_from.isoformat())
        if last >= self._ledger.low_water():
            raise NotNow(f"Something from before {kept_from} is still open.")
        if last > seen:
            raise NotNow(f"A projection is at position {seen} and has not seen all of it up to {last}.")
        return Plan(kept_from, first, last)

    def summaries(self, plan: Plan, now: datetime) -> list[events.DaySummarised]:
        """Of each day, bot and owner one."""
        counts: defaultdict[tuple[str, int], dict[str, Counter[str]]] = defaultdict(dict)
        for day, event in self._dropped(plan):
            counts[day, event.bot_id].setdefault(event.tenant_id, Counter())[event.TOPIC] += 1
        rows = self._rows_of_days(plan, min(day for day, _ in counts))
        return [
            events.DaySummarised(
                occurred_at=now,
                bot_id=bot_id,
                tenant_id=tenant_id,
                day=day,
                up_to=plan.last,
                counts=dict(sorted(of_topics.items())),
                # Of a bot that changed its owner that day the rows are carried once.
                rows=baseline.encode(rows[day, bot_id]) if number == 0 and (day, bot_id) in rows else b"",
            )
            for day, bot_id in sorted({*counts, *rows})
            for number, (tenant_id, of_topics) in enumerate(counts.get((day, bot_id), {"": Counter()}).items())
        ]

    def keep_baseline(self, plan: Plan) -> None:
        present: Rows = {}
        for projection, table in self._tables():
            if table.begins is None:
                present[table.name] = self._rows(projection, plan.last, f"SELECT * FROM {table.name}")  # noqa: S608
        baseline.keep(self._ledger, plan.last, present)

    def drop(self, plan: Plan) -> None:
        while self._ledger.drop_days_before(plan.kept_from.isoformat()):
            time.sleep(PAUSE_S)
        self._past.forget_before(plan.last)

    def _dropped(self, plan: Plan) -> Iterator[tuple[str, events.DayEvent]]:
        after, kept_from = plan.first - 1, plan.kept_from.isoformat()
        while after < plan.last and (batch := self._ledger.readable(after, BATCH)):
            for recorded in batch:
                day = streams.day_of(recorded.stream)
                if day is not None and day < kept_from and isinstance(recorded.event, events.DayEvent):
                    yield day, recorded.event
            after = batch[-1].position

    def _rows_of_days(self, plan: Plan, first: str) -> dict[tuple[str, int], Rows]:
        """By day and bot. What there was by then of a day that stays goes with the last day that is dropped."""
        last = plan.kept_from - timedelta(days=1)
        since = datetime.fromisoformat(first).replace(tzinfo=UTC).timestamp()
        found: dict[tuple[str, int], Rows] = {}
        for projection, table in self._tables():
            if table.begins is None:
                continue
            columns, rows = self._since(projection, table, plan.last, since)
            begins, bot = columns.index(table.begins), columns.index("bot_id")
            for row in rows:
                day = min(datetime.fromtimestamp(row[begins], UTC).date(), last).isoformat()
                found.setdefault((day, row[bot]), {}).setdefault(table.name, []).append(row)
        return found

    def _since(
        self, projection: Projection, table: Table, position: int, since: float
    ) -> tuple[list[str], list[list[Any]]]:
        with self._past.at(position, projection.name).reading() as connection:
            found = connection.execute(
                f"SELECT * FROM {table.name} WHERE {table.begins} >= ?",  # noqa: S608  ours
                (since,),
            )
            return [column[0] for column in found.description], [list(row) for row in found]

    def _rows(self, projection: Projection, position: int, query: str) -> list[list[Any]]:
        with self._past.at(position, projection.name).reading() as connection:
            return [list(row) for row in connection.execute(query)]

    def _tables(self) -> Iterator[tuple[Projection, Table]]:
        return ((projection, table) for projection in self._projections for table in projection.carried)
