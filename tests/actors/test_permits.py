"""The fleet's permits and its retry budget: evenly spaced, in turn, and no flood of many bots' retries."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import pytest
import uvloop

from actors.messages import Limits, MethodLimit
from actors.permits import Permits
from ops.clock import LoopTimers, SystemClock
from tests.actors.waiting import until
from tests.doubles import ManualClock, ManualTimers


def retries_after(calls: int) -> int:
    clock = ManualClock()
    permits = Permits(0, clock, ManualTimers(clock))
    for _ in range(calls):
        permits.counted(retry=False)
    retries = 0
    while permits.may_retry():
        permits.counted(retry=True)
        retries += 1
    return retries


@pytest.mark.parametrize(("calls", "retries"), [(0, 30), (100, 30), (150, 30), (1000, 200)])
def test_a_fifth_of_the_calls_may_be_retries_and_a_few_always(calls: int, retries: int) -> None:
    assert retries == retries_after(calls)


class Waiting:
    """A bot's place, as far as a permit goes."""

    def __init__(self) -> None:
        self.is_awake = True
        self.permits = 0

    def tell(self, _: object) -> None:
        self.permits += 1


def test_who_comes_when_a_permit_is_due_does_not_overtake_who_waits_for_it() -> None:
    clock = ManualClock()
    timers = ManualTimers(clock)
    permits, first, waiting, late = Permits(1, clock, timers), Waiting(), Waiting(), Waiting()
    assert permits.take(first, "acme")  # type: ignore[arg-type]
    assert not permits.take(waiting, "acme")  # type: ignore[arg-type]
    # The time has come, and its timer has not rung yet.
    clock.move_to(clock.steady() + 1)

    assert not permits.take(late, "globex")  # type: ignore[arg-type]
    timers.advance(0)
    assert (1, 0) == (waiting.permits, late.permits)
    timers.advance(1)
    assert (1, 1) == (waiting.permits, late.permits)


def test_permits_leave_one_interval_apart_as_long_as_anybody_waits() -> None:
    clock = ManualClock()
    timers = ManualTimers(clock)
    permits, began = Permits(100, clock, timers), clock.steady()
    went: list[float] = []

    class Wanting(Waiting):
        def tell(self, _: object) -> None:
            went.append(clock.steady() - began)
            permits.take(self, "acme")  # type: ignore[arg-type]

    permits.take(Waiting(), "acme")  # type: ignore[arg-type]
    permits.take(Wanting(), "acme")  # type: ignore[arg-type]
    timers.advance(4)

    assert [pytest.approx(n / 100) for n in range(1, 401)] == went


def test_permits_not_taken_are_not_saved_up() -> None:
    clock = ManualClock()
    permits, bot = Permits(1, clock, ManualTimers(clock)), Waiting()
    clock.move_to(clock.steady() + 60)

    assert [True, False] == [permits.take(bot, "acme") for _ in range(2)]  # type: ignore[arg-type]


def test_a_bot_whose_actor_has_failed_gives_its_turn_to_the_next() -> None:
    clock = ManualClock()
    timers = ManualTimers(clock)
    permits, first, failed, other = Permits(1, clock, timers), Waiting(), Waiting(), Waiting()
    for tenant, bot in (("acme", first), ("acme", failed), ("globex", other)):
        permits.take(bot, tenant)  # type: ignore[arg-type]
    failed.is_awake = False
    timers.advance(1)

    assert (0, 1) == (failed.permits, other.permits)


def test_a_tenant_of_weight_three_has_three_of_four_permits_as_soon_as_it_has_that_weight() -> None:
    clock = ManualClock()
    timers = ManualTimers(clock)
    weights = {"acme": 1}
    permits = Permits(10, clock, timers, weight_of=lambda tenant_id: weights.get(tenant_id, 1))
    went: list[str] = []

    class Wanting(Waiting):
        def __init__(self, tenant_id: str) -> None:
            super().__init__()
            self.tenant_id = tenant_id

        def tell(self, _: object) -> None:
            went.append(self.tenant_id)

    bots = [Wanting("acme"), Wanting("globex")]

    def ask_again() -> None:
        for bot in bots:
            permits.take(bot, bot.tenant_id)  # type: ignore[arg-type]

    timers.advance(1.0, ask_again)
    before = Counter(went)
    weights["acme"] = 3
    timers.advance(0.2, ask_again)
    went.clear()
    timers.advance(4.0, ask_again)

    assert 1 >= abs(before["acme"] - before["globex"])
    assert {"acme": 30, "globex": 10} == Counter(went)


def test_what_waits_is_told() -> None:
    clock = ManualClock()
    permits = Permits(1, clock, ManualTimers(clock), method_rps={"getMe": 2.0})
    for tenant in ("acme", "globex", "initech"):
        permits.take(Waiting(), tenant)  # type: ignore[arg-type]

    assert Limits(1, 2, (MethodLimit("getMe", 2.0, 0),), "memory", shared=False) == permits.described()


class Elsewhere:
    """Where processes agree: each moment is five seconds away."""

    storage, is_shared = "elsewhere", True

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.asked: list[str] = []

    def reserve(self, name: str, _: float, then: Callable[[float], None]) -> None:
        self.asked.append(name)
        then(self._clock.steady() + 5)


def test_a_shared_moment_is_asked_for_once_and_never_for_more_than_there_are() -> None:
    clock = ManualClock()
    timers, elsewhere = ManualTimers(clock), Elsewhere(clock)
    permits, first, second = Permits(1, clock, timers, shared=elsewhere), Waiting(), Waiting()
    assert [False] * 3 == [permits.take(bot, "acme") for bot in (first, second, first)]  # type: ignore[arg-type]

    assert ["fleet"] == elsewhere.asked
    timers.advance(10)
    assert (1, 1) == (first.permits, second.permits)
    assert ["fleet"] * 2 == elsewhere.asked


def test_a_shared_moment_that_its_bot_did_not_use_goes_to_the_next_without_another_question() -> None:
    clock = ManualClock()
    timers, elsewhere = ManualTimers(clock), Elsewhere(clock)
    permits, first, late = Permits(1, clock, timers, shared=elsewhere), Waiting(), Waiting()
    permits.take(first, "acme")  # type: ignore[arg-type]
    timers.advance(5)
    permits.give_back()
    permits.take(late, "globex")  # type: ignore[arg-type]
    timers.advance(0)

    assert (1, ["fleet"]) == (late.permits, elsewhere.asked)
    # What nobody wanted for longer than an interval is gone.
    permits.give_back()
    timers.advance(1)
    permits.take(first, "acme")  # type: ignore[arg-type]
    assert ["fleet"] * 2 == elsewhere.asked


def test_a_loop_that_counts_whole_milliseconds_lets_nobody_go_early() -> None:
    async def story() -> None:
        permits = Permits(1000, SystemClock(), LoopTimers())
        went: list[float] = []

        class Wanting(Waiting):
            def asks(self) -> None:
                while permits.take(self, "acme"):  # type: ignore[arg-type]
                    went.append(time.monotonic())

            def tell(self, _: object) -> None:
                went.append(time.monotonic())
                asyncio.get_running_loop().call_soon(self.asks)

        Wanting().asks()
        await until(lambda: len(went) > 300)

        assert went[-1] - went[0] >= (len(went) - 1) / 1000

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())
