"""Durations in classes, as rows keep them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections import spread
from projections.health.latency import UPPER_MS

durations = st.lists(st.one_of(st.floats(0, 1e7), st.sampled_from(UPPER_MS)), max_size=50)


@given(ms=durations)
def test_one_by_one_and_all_together_are_the_same_bytes_and_come_back(ms: list[float]) -> None:
    one_by_one: spread.Spread = {}
    together: spread.Spread = {}
    for each in ms:
        spread.count(one_by_one, each)
    spread.count_all(together, reversed(ms))

    assert spread.to_bytes(one_by_one) == spread.to_bytes(together)
    assert one_by_one == spread.from_bytes(spread.to_bytes(together))


@given(ms=durations, others=durations)
def test_spreads_add_up(ms: list[float], others: list[float]) -> None:
    whole: spread.Spread = {}
    first: spread.Spread = {}
    second: spread.Spread = {}
    spread.count_all(whole, [*ms, *others])
    spread.count_all(first, ms)
    spread.count_all(second, others)
    spread.add(first, second)

    assert whole == first


@pytest.mark.parametrize(("share", "least"), [(0.0, 1.0), (0.5, 5.0), (0.9, 9.0), (0.99, 10.0), (1.0, 10.0)])
def test_a_percentile_is_good_to_a_tenth(share: float, least: float) -> None:
    ten: spread.Spread = {}
    spread.count_all(ten, range(1, 11))
    found = spread.percentile_ms(ten, share)

    assert found is not None
    assert least <= found <= least * 1.1


def test_what_is_slower_than_every_class_is_in_the_last_and_nothing_has_no_percentile() -> None:
    slow: spread.Spread = {}
    spread.count(slow, 1e12)

    assert UPPER_MS[-1] == spread.percentile_ms(slow, 0.5)
    assert spread.percentile_ms({}, 0.5) is None
