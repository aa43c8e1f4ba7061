"""The fleet's retry budget: what keeps many bots' retries from adding up to a flood."""

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
