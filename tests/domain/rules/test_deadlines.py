"""Until when it is worth sending something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.deadlines import leaves_by


@pytest.mark.parametrize(
    ("deadline_s", "latest_s"), [(3600, 3599.5), (30, 29.5), (3, 2.5), (2, 1.5), (1, 0.75), (0.1, 0.075)]
)
def test_half_a_second_is_kept_for_the_answer_and_of_a_short_deadline_a_quarter(
    deadline_s: float, latest_s: float
) -> None:
    assert pytest.approx(1000 + latest_s) == leaves_by(1000.0, 1000.0 + deadline_s, repeatable=False)


def test_what_may_be_repeated_may_leave_until_the_end() -> None:
    assert 1030.0 == leaves_by(1000.0, 1030.0, repeatable=True)


@given(st.floats(0, 1e6), st.floats(0.1, 3600))
def test_what_comes_may_always_leave_at_once(arrived: float, deadline_s: float) -> None:
    assert arrived < leaves_by(arrived, arrived + deadline_s, repeatable=False) < arrived + deadline_s
