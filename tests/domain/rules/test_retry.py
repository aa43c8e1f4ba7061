"""Again or not: every category, repeatable or not, and the budget that keeps retries from making an outage worse."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.failure import TREATMENT, Category, Failure, Strategy
from domain.rules import holds
from domain.rules.retry import (
    DEFAULT,
    FRESH,
    Again,
    Attempted,
    Budget,
    No,
    RetryPolicy,
    after,
    backoff_s,
    has_room,
    spent,
    strategy_of,
)

FAR = 1e9
NOW = 1000.0
HALF = 0.5
"""The jitter of most tests: half of the full wait."""

CERTAIN = {
    Category.RATE_LIMIT,
    Category.UNREACHABLE,
    Category.PERMANENT,
    Category.UNAUTHORIZED,
    Category.MIGRATED,
}


def a_failure(category: Category, *, certain: bool | None = None, retry_after_s: float = 0.0) -> Failure:
    return Failure(
        category,
        "it failed",
        retry_after_s=retry_after_s,
        certain=category in CERTAIN if certain is None else certain,
    )


def decided(
    failure: Failure,
    retries: int = 0,
    *,
    repeatable: bool = True,
    deadline: float = FAR,
    policy: RetryPolicy = DEFAULT,
    budget: Budget = FRESH,
    jitter: float = HALF,
) -> Again | No:
    return after(failure, Attempted(retries, repeatable, deadline), policy, budget, jitter, NOW)


def spent_up(retries: int = 30, now: float = NOW) -> Budget:
    budget = FRESH
    for _ in range(retries):
        budget = spent(budget, now, retry=True)
    return budget


# What the first failure, the second, … lead to: seconds until the next attempt at half jitter, or why there is none.
TABLE: list[tuple[Category, bool, list[float | No]]] = [
    (Category.RATE_LIMIT, True, [0.0, 0.0, 0.0, No.EXHAUSTED]),
    (Category.RATE_LIMIT, False, [0.0, 0.0, 0.0, No.EXHAUSTED]),
    (Category.UNREACHABLE, True, [0.5, 1.0, No.EXHAUSTED]),
    (Category.UNREACHABLE, False, [0.5, 1.0, No.EXHAUSTED]),
    (Category.AMBIGUOUS, True, [0.5, 1.0, No.EXHAUSTED]),
    (Category.AMBIGUOUS, False, [No.AMBIGUOUS]),
    (Category.SERVER_ERROR, True, [0.5, 1.0, No.EXHAUSTED]),
    (Category.SERVER_ERROR, False, [No.AMBIGUOUS]),
    (Category.PERMANENT, True, [No.NEVER]),
    (Category.PERMANENT, False, [No.NEVER]),
    (Category.UNAUTHORIZED, True, [No.NEVER]),
    (Category.UNAUTHORIZED, False, [No.NEVER]),
    (Category.MIGRATED, True, [0.0, No.EXHAUSTED]),
    (Category.MIGRATED, False, [0.0, No.EXHAUSTED]),
    (Category.UNKNOWN, True, [0.5, 1.0, No.EXHAUSTED]),
    (Category.UNKNOWN, False, [No.AMBIGUOUS]),
]
ROWS = [
    pytest.param(
        category, repeatable, retries, then, id=f"{category}-{'repeatable' if repeatable else 'once'}-{retries}"
    )
    for category, repeatable, thens in TABLE
    for retries, then in enumerate(thens)
]


@pytest.mark.parametrize(("category", "repeatable", "retries", "then"), ROWS)
def test_the_category_says_whether_and_when(
    category: Category, repeatable: bool, retries: int, then: float | No
) -> None:
    verdict = decided(a_failure(category), retries, repeatable=repeatable)
    expected = then if isinstance(then, No) else Again(NOW + then, spends_budget=category is not Category.RATE_LIMIT)

    assert expected == verdict


def test_every_category_is_in_the_table() -> None:
    assert set(Category) == {category for category, _, _ in TABLE}


@pytest.mark.parametrize("category", [Category.AMBIGUOUS, Category.SERVER_ERROR, Category.UNKNOWN])
@pytest.mark.parametrize("policy", [DEFAULT, RetryPolicy(retries=9, strategy=Strategy.FIXED)])
def test_a_message_that_may_have_arrived_is_never_sent_twice(category: Category, policy: RetryPolicy) -> None:
    assert No.AMBIGUOUS is decided(a_failure(category), repeatable=False, policy=policy)


def test_a_message_is_sent_again_when_telegram_was_only_restarting() -> None:
    verdict = decided(a_failure(Category.SERVER_ERROR, certain=True), repeatable=False)

    assert Again(NOW + 0.5, spends_budget=True) == verdict


# Rate limits


@pytest.mark.parametrize("retry_after_s", [0.0, 1.0, 3.0, 29.5, 3600.0])
def test_telegram_s_retry_after_is_obeyed_to_the_second(retry_after_s: float) -> None:
    failure = a_failure(Category.RATE_LIMIT, retry_after_s=retry_after_s)
    verdict = decided(failure)
    held = holds.placed(holds.NONE, "chat:5", failure.retry_after_s, NOW)

    assert isinstance(verdict, Again)
    assert NOW + retry_after_s == max(verdict.not_before, holds.held_until(held, "sendMessage", "5", NOW) or NOW)


def test_waiting_for_a_rate_limit_needs_no_budget() -> None:
    assert Again(NOW, spends_budget=False) == decided(a_failure(Category.RATE_LIMIT), budget=spent_up())


def test_no_policy_changes_how_rate_limits_and_moved_chats_are_met() -> None:
    policy = RetryPolicy(strategy=Strategy.FIXED, retries=7)

    assert Again(NOW, spends_budget=False) == decided(a_failure(Category.RATE_LIMIT), policy=policy)
    assert No.EXHAUSTED is decided(a_failure(Category.RATE_LIMIT), 3, policy=policy)
    assert Again(NOW, spends_budget=True) == decided(a_failure(Category.MIGRATED), policy=policy)
    assert No.EXHAUSTED is decided(a_failure(Category.MIGRATED), 1, policy=policy)


# The deadline


@pytest.mark.parametrize(("retry_after_s", "again"), [(29.9, True), (30.0, False), (31.0, False)])
def test_a_rate_limit_that_ends_after_the_deadline_is_not_waited_for(retry_after_s: float, again: bool) -> None:
    verdict = decided(a_failure(Category.RATE_LIMIT, retry_after_s=retry_after_s), deadline=NOW + 30)

    assert again == (verdict is not No.DEADLINE)


@pytest.mark.parametrize(("left_s", "again"), [(0.51, True), (0.5, False), (0.1, False)])
def test_an_attempt_that_could_only_come_after_the_deadline_is_not_made(left_s: float, again: bool) -> None:
    verdict = decided(a_failure(Category.UNREACHABLE), deadline=NOW + left_s)

    assert again == (verdict is not No.DEADLINE)


# Back-off


@pytest.mark.parametrize(
    ("strategy", "waits_s"),
    [
        (Strategy.EXPONENTIAL, [1, 2, 4, 8, 16, 30, 30]),
        (Strategy.LINEAR, [1, 2, 3, 4, 5, 6, 7]),
        (Strategy.FIXED, [1, 1, 1, 1, 1, 1, 1]),
        (Strategy.FIBONACCI, [1, 1, 2, 3, 5, 8, 13, 21, 30]),
        (Strategy.AT_ONCE, [0, 0, 0]),
    ],
)
def test_each_strategy_grows_its_own_way_up_to_the_cap(strategy: Strategy, waits_s: list[float]) -> None:
    assert waits_s == [backoff_s(strategy, retry, DEFAULT, 1.0) for retry in range(1, len(waits_s) + 1)]


def test_base_and_cap_are_the_policy_s() -> None:
    policy = RetryPolicy(base_s=0.5, cap_s=3.0)

    assert [0.5, 1.0, 2.0, 3.0] == [backoff_s(Strategy.EXPONENTIAL, retry, policy, 1.0) for retry in (1, 2, 3, 4)]


@given(
    st.sampled_from(Strategy),
    st.integers(1, 40),
    st.floats(0.0, 1.0, exclude_max=True),
    st.floats(0.0, 60.0),
    st.floats(0.0, 60.0),
)
@settings(max_examples=100, deadline=None)
def test_jitter_makes_a_wait_anything_between_nothing_and_the_whole(
    strategy: Strategy, retry: int, jitter: float, base_s: float, cap_s: float
) -> None:
    policy = RetryPolicy(base_s=base_s, cap_s=cap_s)
    whole = backoff_s(strategy, retry, policy, 1.0)

    assert 0.0 == backoff_s(strategy, retry, policy, 0.0)
    assert 0.0 <= backoff_s(strategy, retry, policy, jitter) <= whole <= cap_s


@pytest.mark.parametrize("category", Category)
def test_a_bot_s_own_strategy_is_for_what_is_retried_unless_telegram_says_when(category: Category) -> None:
    own = strategy_of(category, RetryPolicy(strategy=Strategy.FIBONACCI))
    ours = category in (Category.UNREACHABLE, Category.AMBIGUOUS, Category.SERVER_ERROR, Category.UNKNOWN)

    assert (Strategy.FIBONACCI if ours else TREATMENT[category].strategy) is own
    assert TREATMENT[category].strategy is strategy_of(category, DEFAULT)


def test_a_bot_may_choose_its_own_strategy_and_number_of_retries() -> None:
    policy = RetryPolicy(strategy=Strategy.LINEAR, retries=4)
    failure = a_failure(Category.UNREACHABLE)

    assert Again(NOW + 2.0, spends_budget=True) == decided(failure, 3, policy=policy)
    assert No.EXHAUSTED is decided(failure, 4, policy=policy)


def test_a_bot_may_choose_not_to_retry() -> None:
    assert No.NEVER is decided(a_failure(Category.UNREACHABLE), policy=RetryPolicy(retries=0))


@pytest.mark.parametrize("category", [Category.PERMANENT, Category.UNAUTHORIZED])
def test_no_policy_repeats_what_telegram_refused_for_good(category: Category) -> None:
    assert No.NEVER is decided(a_failure(category), policy=RetryPolicy(retries=9))


# The budget: 20 % of the calls of the last ten seconds, and 3/s in any case


def test_thirty_retries_in_ten_seconds_are_always_allowed() -> None:
    assert has_room(spent_up(29), NOW)
    assert not has_room(spent_up(30), NOW)


def test_without_room_nothing_is_repeated() -> None:
    assert No.BUDGET is decided(a_failure(Category.UNREACHABLE), budget=spent_up())


@pytest.mark.parametrize(("calls", "allowed"), [(0, 30), (150, 30), (154, 30), (155, 31), (200, 40), (1000, 200)])
def test_a_fifth_of_the_calls_may_be_retries(calls: int, allowed: int) -> None:
    budget = FRESH
    for _ in range(calls):
        budget = spent(budget, NOW, retry=False)
    retries = 0
    while has_room(budget, NOW):
        budget = spent(budget, NOW, retry=True)
        retries += 1

    assert allowed == retries


def test_after_ten_seconds_retries_are_forgotten() -> None:
    budget = spent_up(30, now=100.9)

    assert not has_room(budget, 109.9)
    assert has_room(budget, 110.0)


def test_after_ten_seconds_calls_are_forgotten_too() -> None:
    budget = FRESH
    for _ in range(1000):
        budget = spent(budget, 100.0, retry=False)
    for _ in range(30):
        budget = spent(budget, 105.0, retry=True)

    assert has_room(budget, 109.9)
    assert not has_room(budget, 110.0)


def test_an_hour_of_silence_costs_nothing() -> None:
    assert has_room(spent_up(30, now=100.0), 3700.0)


TRAFFIC = st.lists(
    st.tuples(st.floats(0.0, 4.0), st.integers(0, 120), st.integers(0, 60)),
    min_size=1,
    max_size=30,
)


@given(TRAFFIC)
@settings(max_examples=100, deadline=None)
def test_retries_never_exceed_a_fifth_of_the_calls_or_three_a_second(traffic: list[tuple[float, int, int]]) -> None:
    """Against a model that remembers every second."""
    budget, now = FRESH, 5000.0
    calls: Counter[int] = Counter()
    retries: Counter[int] = Counter()
    for gap_s, called, wished in traffic:
        now += gap_s
        window = range(int(now) - 9, int(now) + 1)
        for _ in range(called):
            budget = spent(budget, now, retry=False)
        calls[int(now)] += called
        allowed = max(0.2 * sum(calls[s] for s in window), 30)
        for _ in range(wished):
            room = has_room(budget, now)
            would_be = sum(retries[s] for s in window) + 1

            assert room == (would_be <= allowed)
            if room:
                budget = spent(budget, now, retry=True)
                retries[int(now)] += 1


def test_every_treatment_that_waits_uses_a_strategy_that_waits() -> None:
    at_once = {category for category, t in TREATMENT.items() if t.retries and t.strategy is Strategy.AT_ONCE}

    assert {Category.RATE_LIMIT, Category.MIGRATED} == at_once
