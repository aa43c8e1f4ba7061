"""Retention comes back by itself once a day, is run when it is asked for, and never twice at once."""

from __future__ import annotations

import asyncio

from actors.messages import DescribeRetention, RetentionReport, RetentionState, RunRetention
from actors.runtime import stopped
from actors.stewards import RetentionSteward
from domain.refusal import Refused
from tests.actors.waiting import answer_of, until
from tests.doubles import ManualClock, ManualTimers
from tests.examples import NOON

REPORT = RetentionReport(NOON, "2026-06-01", 2, 5, 9)


class Drops:
    """What it is asked for by whom; it takes until `may_end`."""

    def __init__(self) -> None:
        self.asked_by: list[str] = []
        self.may_end = asyncio.Event()

    async def __call__(self, by: str) -> RetentionReport:
        self.asked_by.append(by)
        await self.may_end.wait()
        return REPORT


def test_it_works_a_minute_after_the_start_and_then_once_a_day() -> None:
    async def story() -> None:
        clock, work = ManualClock(), Drops()
        timers = ManualTimers(clock)
        work.may_end.set()
        steward = RetentionSteward.start(work, clock, timers)
        asked = []
        for seconds in (59.0, 1.0, 86_399.0, 1.0):
            timers.advance(seconds)
            while (await answer_of(steward, DescribeRetention())).running:
                pass
            asked.append(len(work.asked_by))
        await stopped(steward)

        assert [0, 1, 1, 2] == asked
        assert {"botloft"} == set(work.asked_by)
        assert timers.next() is None

    asyncio.run(story())


def test_while_it_works_nobody_begins_a_second_run() -> None:
    async def story() -> None:
        clock, work = ManualClock(), Drops()
        timers = ManualTimers(clock)
        steward = RetentionSteward.start(work, clock, timers)
        first = asyncio.ensure_future(answer_of(steward, RunRetention("k1")))
        await until(lambda: work.asked_by)
        second = await answer_of(steward, RunRetention("k2"))
        timers.advance(86_400)
        during = await answer_of(steward, DescribeRetention())
        work.may_end.set()
        told = await first
        afterwards = await answer_of(steward, DescribeRetention())
        await stopped(steward)

        assert (Refused, "overloaded") == (type(second), second.code)
        assert ["k1"] == work.asked_by
        assert [RetentionState(True, None), RetentionState(False, REPORT)] == [during, afterwards]
        assert REPORT == told

    asyncio.run(story())
