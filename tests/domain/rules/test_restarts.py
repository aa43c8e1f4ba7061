"""When a failed actor is started again, and when it is given up."""

from __future__ import annotations

from itertools import accumulate, takewhile

from hypothesis import given
from hypothesis import strategies as st

from domain.rules.restarts import Again, GiveUp, Restarts, failed


def after(*times: float) -> list[Again | GiveUp]:
    state, said = Restarts(), []
    for now in times:
        state, what = failed(state, now)
        said.append(what)
    return said


def test_each_failure_in_a_row_waits_twice_as_long() -> None:
    expected = [Again(0.1), Again(0.2), Again(0.4), Again(0.8), Again(1.6)]

    assert expected == after(0, 1, 2, 3, 4)


def test_more_than_five_in_a_minute_give_it_up_for_ten_minutes() -> None:
    assert GiveUp(600.0) == after(0, 10, 20, 30, 40, 50)[-1]


def test_failures_a_minute_apart_never_give_it_up() -> None:
    assert [Again(0.1)] * 20 == after(*(60.0 * n for n in range(20)))


def test_each_time_it_is_given_up_it_rests_twice_as_long_up_to_a_day() -> None:
    rests = [what.rest_s for what in after(*range(12 * 6)) if isinstance(what, GiveUp)]

    assert [600.0, 1200.0, 2400.0, 4800.0, 9600.0] == rests[:5]
    assert 86_400.0 == rests[-1]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_until_it_is_given_up_no_minute_holds_more_than_five_restarts(gaps: list[float]) -> None:
    times = list(accumulate(gaps))
    told = list(zip(times, after(*times), strict=True))
    restarted = [at for at, what in takewhile(lambda one: isinstance(one[1], Again), told)]

    assert all(later - earlier >= 60 for earlier, later in zip(restarted, restarted[5:], strict=False))
