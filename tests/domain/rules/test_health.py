"""Healthy, degraded, unhealthy: the thresholds, each from both sides."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rules.health import Health, averaged_ms, error_rate, status


@pytest.mark.parametrize(
    ("rate", "in_a_row", "expected"),
    [
        (0.0, 0, Health.HEALTHY),
        (0.19, 0, Health.HEALTHY),
        (0.19, 4, Health.HEALTHY),
        (0.2, 0, Health.DEGRADED),
        (0.49, 4, Health.DEGRADED),
        (0.5, 0, Health.UNHEALTHY),
        (1.0, 1, Health.UNHEALTHY),
        (0.0, 5, Health.UNHEALTHY),
        (0.3, 6, Health.UNHEALTHY),
    ],
)
def test_a_bot_is_as_healthy_as_its_error_rate_and_its_failures_in_a_row(
    rate: float, in_a_row: int, expected: Health
) -> None:
    assert expected is status(suspended=False, error_rate=rate, consecutive_failures=in_a_row)


@pytest.mark.parametrize(("rate", "in_a_row"), [(0.0, 0), (1.0, 9)])
def test_a_suspended_bot_is_suspended_however_it_was_doing(rate: float, in_a_row: int) -> None:
    assert Health.SUSPENDED is status(suspended=True, error_rate=rate, consecutive_failures=in_a_row)


@pytest.mark.parametrize(
    ("successful", "failed", "expected"), [(0, 0, 0.0), (10, 0, 0.0), (0, 1, 1.0), (4, 1, 0.2), (1, 1, 0.5)]
)
def test_the_error_rate_is_the_share_of_failures_and_nothing_asked_is_no_error(
    successful: int, failed: int, expected: float
) -> None:
    assert expected == error_rate(successful, failed)


def test_the_first_response_is_the_average() -> None:
    assert 120.0 == averaged_ms(None, 120.0)


def test_the_newest_response_counts_three_tenths() -> None:
    assert pytest.approx(130.0) == averaged_ms(100.0, 200.0)


@given(st.lists(st.floats(0, 60_000), min_size=1, max_size=50))
@settings(max_examples=50, deadline=None)
def test_an_average_lies_between_the_fastest_and_the_slowest(responses_ms: list[float]) -> None:
    average: float | None = None
    for response_ms in responses_ms:
        average = averaged_ms(average, response_ms)

    assert average is not None
    assert min(responses_ms) - 1e-6 <= average <= max(responses_ms) + 1e-6
