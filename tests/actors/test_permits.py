"""The fleet's permits and its retry budget: evenly spaced, in turn, and no flood of many bots' retries."""

from __future__ import annotations

import pytest

from actors.permits import Permits
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
