"""A run of retention: all that stands for old days is in the log before one of them goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from actors.messages import RetentionReport
from domain import streams
from domain.errors import StoreError, StoreUnavailable
from domain.events import DaySummarised, Event
from ops.retention import worker
from projections.past import Unfoldable
from projections.retention import NotNow, Plan
from tests.doubles import ManualClock
from tests.examples import BOT_ID, NOON, OTHER_BOT_ID, TENANT

SUMMARISED = [
    f"day-summarised {streams.summary_stream(day, bot_id)}"
    for day, bot_id in (("2026-05-30", BOT_ID), ("2026-05-31", BOT_ID), ("2026-05-31", OTHER_BOT_ID))
]
RAN = f"retention-ran {streams.RETENTION}"
NOTHING = RetentionReport(NOON, "2026-06-01", 0, 0, 0)


def a_summary(day: str, bot_id: int) -> DaySummarised:
    return DaySummarised(
        occurred_at=NOON, bot_id=bot_id, tenant_id=TENANT, day=day, up_to=9, counts={"command-started": 2}
    )


class Told:
    """The retention, and the journal: what each was asked for, in order. `trouble` is raised or told where it says."""

    def __init__(self, trouble: Exception | None = None, at: str = "", last: int = 9) -> None:
        self.did: list[str] = []
        self.trouble, self.at, self.last = trouble, at, last

    def _do(self, what: str) -> None:
        if what == self.at and self.trouble is not None:
            raise self.trouble
        self.did.append(what)

    def plan(self, kept_from: date, seen: int) -> Plan:
        self._do(f"plan {kept_from} {seen}")
        return Plan(kept_from, min(1, self.last), self.last)

    def summaries(self, _: Plan, __: object) -> list[DaySummarised]:
        return [a_summary("2026-05-30", BOT_ID), a_summary("2026-05-31", BOT_ID), a_summary("2026-05-31", OTHER_BOT_ID)]

    def keep_baseline(self, _: Plan) -> None:
        self._do("baseline")

    def drop(self, _: Plan) -> None:
        self._do("drop")

    def note(self, event: Event, then: Callable[[int | StoreError], Any], stream: str) -> None:
        try:
            self._do(f"{event.TOPIC} {stream}")
        except StoreError as error:
            then(error)
        else:
            then(1)


def run(told: Told) -> RetentionReport:
    async def story() -> RetentionReport:
        return await worker(told, told, ManualClock(), 30, lambda: 17)("k1")  # type: ignore[arg-type]

    return asyncio.run(story())


def test_what_stands_for_old_days_is_recorded_before_one_of_them_goes() -> None:
    told = Told()
    report = run(told)

    assert [
        "plan 2026-06-01 17",
        *SUMMARISED,
        "baseline",
        RAN,
        "drop",
    ] == told.did
    assert RetentionReport(NOON, "2026-06-01", 2, 6, 9) == report


@pytest.mark.parametrize(
    ("trouble", "at"),
    [
        (NotNow("still open"), "plan 2026-06-01 17"),
        (StoreUnavailable("away"), "plan 2026-06-01 17"),
        (Unfoldable("at position 3"), "baseline"),
        (StoreUnavailable("away"), RAN),
        (StoreUnavailable("away"), SUMMARISED[1]),
    ],
)
def test_where_something_is_in_the_way_nothing_is_dropped_and_the_report_says_why(trouble: Exception, at: str) -> None:
    told = Told(trouble, at)
    report = run(told)

    assert "drop" not in told.did
    assert RetentionReport(NOON, "2026-06-01", 0, 0, 0, not_now=str(trouble)) == report


def test_where_nothing_is_old_nothing_is_recorded() -> None:
    told = Told(last=0)

    assert NOTHING == run(told)
    assert ["plan 2026-06-01 17"] == told.did
