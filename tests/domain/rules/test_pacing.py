"""Pace: how fast we go by ourselves. A window is any stretch of time, not one that starts on the minute."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rules.pacing import (
    BOT,
    PacePolicy,
    Slowdown,
    bot_rate,
    is_group,
    leaves_at,
    rates,
    recovered,
    repaced,
    slowed,
    still_filling,
    taken,
)
from tests.examples import CHAT, GROUP

POLICY = PacePolicy()
ONLY_BOT = PacePolicy(chat_rps=0, group_rpm=0)
ONLY_CHAT = PacePolicy(bot_rps=0, group_rpm=0)
HAIR_S = 1e-6
"""Sums of floats end a hair's breadth beside the second."""

Gaps = list[float]


def departures(policy: PacePolicy, gaps: Gaps, chat: str | None = CHAT, slow: Slowdown | None = None) -> list[float]:
    """When calls leave that arrive with these gaps between them, each as early as its buckets let it."""
    full_at: dict[str, float] = {}
    arrived = left = 0.0
    times = []
    for gap in gaps:
        arrived += gap
        left = max(arrived, left)
        while (opens := max((leaves_at(full_at, r) for r in rates(policy, chat, slow, left)), default=left)) > left:
            left = opens
        full_at |= taken(full_at, rates(policy, chat, slow, left), left)
        times.append(left)
    return times


def shortest_span(times: list[float], calls: int) -> float:
    """The least time that ever lay between a call and the one `calls` later."""
    return min((later - sooner for sooner, later in zip(times, times[calls:], strict=False)), default=float("inf"))


GAPS = st.lists(st.one_of(st.just(0.0), st.floats(0.0, 0.2), st.floats(0.0, 90.0)), min_size=1, max_size=80)


@given(GAPS, st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_a_bot_never_sends_more_than_its_rate_in_any_second(gaps: Gaps, bot_rps: int) -> None:
    times = departures(PacePolicy(bot_rps=bot_rps, chat_rps=0, group_rpm=0), gaps)

    assert shortest_span(times, bot_rps) >= 1 - HAIR_S


@given(GAPS, st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_a_group_never_gets_more_than_its_limit_in_any_minute(gaps: Gaps, group_rpm: int) -> None:
    times = departures(PacePolicy(bot_rps=0, chat_rps=0, group_rpm=group_rpm), gaps, GROUP)

    assert shortest_span(times, group_rpm) >= 60 - HAIR_S


@given(GAPS)
@settings(max_examples=100, deadline=None)
def test_a_group_keeps_all_limits_at_once(gaps: Gaps) -> None:
    times = departures(POLICY, gaps, GROUP)

    assert shortest_span(times, 20) >= 60 - HAIR_S
    assert shortest_span(times, 3) >= 1 - HAIR_S
    assert shortest_span(times, 1) >= 1 / 25 - HAIR_S


@given(GAPS)
@settings(max_examples=100, deadline=None)
def test_a_chat_gets_a_burst_of_three_and_then_one_a_second(gaps: Gaps) -> None:
    times = departures(ONLY_CHAT, gaps)

    for calls in range(3, 10):
        assert shortest_span(times, calls) >= calls - 2 - HAIR_S


@given(st.lists(st.floats(1.01, 30.0), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_whoever_writes_once_a_second_never_waits(gaps: Gaps) -> None:
    arrived = [sum(gaps[: i + 1]) for i in range(len(gaps))]

    assert arrived == pytest.approx(departures(POLICY, gaps))


def test_the_first_three_to_a_chat_leave_at_once_and_the_fourth_after_a_second() -> None:
    assert [0.0, 0.0, 0.0, 1.0, 2.0] == departures(ONLY_CHAT, [0.0] * 5)


def test_a_chat_that_was_quiet_has_its_whole_burst_again() -> None:
    assert [0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 4.0] == departures(ONLY_CHAT, [0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0])


def test_a_bot_spaces_its_calls_evenly() -> None:
    times = departures(ONLY_BOT, [0.0] * 51)

    assert [pytest.approx(0.04)] * 50 == [later - sooner for sooner, later in pairwise(times)]


def test_one_busy_chat_does_not_slow_another() -> None:
    full_at = dict.fromkeys([f"chat:{CHAT}"], 30.0)

    assert all(leaves_at(full_at, rate) <= 0.0 for rate in rates(POLICY, "43", None, 0.0))


def test_zero_turns_a_limit_off() -> None:
    def scopes(policy: PacePolicy) -> list[str]:
        return [rate.scope for rate in rates(policy, GROUP, None, 0.0)]

    assert [BOT, f"chat:{GROUP}", f"group:{GROUP}"] == scopes(POLICY)
    assert [f"chat:{GROUP}", f"group:{GROUP}"] == scopes(PacePolicy(bot_rps=0))
    assert [BOT, f"group:{GROUP}"] == scopes(PacePolicy(chat_rps=0))
    assert [BOT, f"chat:{GROUP}"] == scopes(PacePolicy(group_rpm=0))
    assert [0.0] * 100 == departures(PacePolicy(0, 0, 0), [0.0] * 100, GROUP)


def test_a_call_without_a_chat_is_paced_with_its_bot_alone() -> None:
    assert [BOT] == [rate.scope for rate in rates(POLICY, None, None, 0.0)]


@pytest.mark.parametrize(
    ("chat", "group"), [("42", False), ("-5", True), ("-1001234567890", True), ("@news", True), ("7000000001", False)]
)
def test_negative_numbers_and_names_are_groups(chat: str, group: bool) -> None:
    assert group == is_group(chat)
    assert group == (f"group:{chat}" in [rate.scope for rate in rates(POLICY, chat, None, 0.0)])


def test_a_full_bucket_need_not_be_remembered() -> None:
    full_at = taken({}, rates(POLICY, CHAT, None, 0.0), 0.0)

    assert {f"chat:{CHAT}": 1.0} == still_filling(full_at, 0.5)
    assert {} == still_filling(full_at, 1.0)


@given(GAPS)
@settings(max_examples=50, deadline=None)
def test_forgetting_full_buckets_changes_nothing(gaps: Gaps) -> None:
    now, remembered, thrifty = 0.0, {}, {}
    for gap in gaps:
        now += gap
        thrifty = still_filling(thrifty, now)
        for rate in rates(POLICY, GROUP, None, now):
            assert max(now, leaves_at(remembered, rate)) == max(now, leaves_at(thrifty, rate))
        needed = rates(POLICY, GROUP, None, now)
        remembered |= taken(remembered, needed, now)
        thrifty |= taken(thrifty, needed, now)


# A change of the pace


@given(GAPS, st.floats(0.001, 50), st.floats(0.001, 50), st.floats(0, 100))
@settings(max_examples=200, deadline=None)
def test_after_a_change_of_the_pace_nobody_waits_longer_than_before_nor_than_one_step_of_the_new_pace(
    gaps: Gaps, former_rps: float, rps: float, now: float
) -> None:
    former, policy = PacePolicy(former_rps, former_rps, former_rps), PacePolicy(rps, rps, rps)
    left, before = 0.0, {}
    for gap in gaps:
        needed = rates(former, GROUP, None, left)
        left = max([left + gap, *(leaves_at(before, rate) for rate in needed)])
        before |= taken(before, needed, left)
    now += left
    after = repaced(before, policy, None, now)
    for rate in rates(policy, GROUP, None, now):
        assert leaves_at(after, rate) == pytest.approx(min(leaves_at(before, rate), now + rate.interval_s))


def test_what_was_sent_at_a_former_pace_counts_at_the_new_one() -> None:
    before = {BOT: 100.0, "chat:42": 300.0, "group:-5": 900.0, "chat:-5": 0.5}

    assert {BOT: 0.04, "chat:42": 3.0, "group:-5": 20.0, "chat:-5": 0.5} == pytest.approx(
        repaced(before, POLICY, None, 0.0)
    )
    assert before == repaced(before, PacePolicy(0, 0, 0), None, 0.0)


def test_a_new_pace_after_a_429_is_the_slowed_one() -> None:
    assert {BOT: 0.08} == pytest.approx(repaced({BOT: 100.0}, POLICY, slowed(POLICY, None, 0.0), 0.0))


# After a 429


@pytest.mark.parametrize(
    ("seconds", "rps"),
    [(0.0, 12.5), (9.9, 12.5), (10.0, 13.5), (20.0, 14.5), (119.0, 23.5), (125.0, 24.5), (130.0, 25)],
)
def test_a_429_halves_the_pace_which_gains_one_a_second_every_ten_seconds(seconds: float, rps: float) -> None:
    slow = slowed(POLICY, None, 0.0)

    assert rps == bot_rate(POLICY, slow, seconds)
    assert (rps == 25) == recovered(POLICY, slow, seconds)


def test_another_429_halves_what_is_left() -> None:
    slow = slowed(POLICY, slowed(POLICY, None, 0.0), 10.0)

    assert 6.75 == bot_rate(POLICY, slow, 10.0)
    assert 7.75 == bot_rate(POLICY, slow, 20.0)


def test_the_pace_never_falls_to_nothing() -> None:
    slow = None
    for _ in range(100):
        slow = slowed(POLICY, slow, 0.0)

    assert 0.5 == bot_rate(POLICY, slow, 0.0)


def test_a_bot_never_recovers_beyond_its_own_pace() -> None:
    policy = PacePolicy(bot_rps=2)

    assert 2 == bot_rate(policy, slowed(policy, None, 0.0), 1e6)


def test_without_a_429_nothing_is_slowed() -> None:
    assert 25 == bot_rate(POLICY, None, 0.0)
    assert recovered(POLICY, None, 0.0)


def test_a_429_slows_an_unlimited_bot_from_what_telegram_publishes_until_it_is_there_again() -> None:
    unlimited = PacePolicy(bot_rps=0)
    slow = slowed(unlimited, None, 0.0)

    assert 12.5 == bot_rate(unlimited, slow, 0.0)
    assert 6.25 == bot_rate(unlimited, slowed(unlimited, slow, 1.0), 1.0)
    assert not recovered(unlimited, slow, 120.0)
    assert recovered(unlimited, slow, 130.0)
    assert 0 == bot_rate(unlimited, slow, 130.0)


@given(GAPS, st.sampled_from([0.5, 1, 3, 6.25, 12.5]))
@settings(max_examples=50, deadline=None)
def test_a_slowed_bot_never_outruns_its_ordinary_pace_while_it_recovers(gaps: Gaps, left_rps: float) -> None:
    times = departures(ONLY_BOT, gaps, slow=Slowdown(left_rps, 0.0))

    assert shortest_span(times, 25) >= 1 - HAIR_S


def test_a_slowed_bot_is_as_slow_as_it_says() -> None:
    times = departures(ONLY_BOT, [0.0] * 11, slow=Slowdown(2, 0.0))

    assert 5.0 == times[-1]
