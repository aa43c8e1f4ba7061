"""When an update is tried again, and how long an endpoint may fail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.delivering import Failing, Step, Verdict, due, pause_s, verdict, width
from tests.examples import NOON

HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Verdict.TAKEN),
        (204, Verdict.TAKEN),
        (299, Verdict.TAKEN),
        (100, Verdict.AGAIN),
        (302, Verdict.AGAIN),
        (404, Verdict.AGAIN),
        (410, Verdict.GONE),
        (500, Verdict.AGAIN),
        (None, Verdict.AGAIN),
    ],
)
def test_only_success_takes_an_update_and_only_gone_ends_it(status: int | None, expected: Verdict) -> None:
    assert expected is verdict(status)


def test_the_pauses_grow_from_a_second_to_an_hour() -> None:
    assert [1, 5, 30, 120, 600, 1800, 3600, 3600, 3600] == [pause_s(attempt, 0.5) for attempt in range(1, 10)]


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_chance_moves_a_pause_by_a_quarter_at_most(attempt: int, jitter: float) -> None:
    usual = pause_s(attempt, 0.5)

    assert usual * 0.75 <= pause_s(attempt, jitter) <= usual * 1.25


def test_an_endpoint_that_takes_nothing_gets_one_update_at_a_time() -> None:
    assert [8, 8, 1, 1] == [width(failures) for failures in (0, 19, 20, 1000)]


@pytest.mark.parametrize(
    ("hours", "recorded", "warned", "expected"),
    [
        (0.9, False, False, None),
        (1, False, False, Step.RECORD),
        (47, True, False, None),
        (48, True, False, Step.WARN),
        (48, False, False, Step.WARN),
        (71.9, True, True, None),
        (72, True, True, Step.DISABLE),
        (500, False, False, Step.DISABLE),
    ],
)
def test_a_failing_endpoint_is_recorded_then_its_tenant_warned_then_it_is_disabled(
    hours: float, recorded: bool, warned: bool, expected: Step | None
) -> None:
    assert expected is due(Failing(NOON, recorded, warned), NOON + hours * HOURS)
