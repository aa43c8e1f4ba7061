"""When a failed attempt is made again: by the failure's category, inside the deadline and the retry budget.

A call whose answer was lost may have been executed. It is made again only when its method is repeatable or its caller
asked for that; otherwise the honest outcome is `uncertain`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from domain.failure import TREATMENT, Category, Failure, Strategy

WINDOW_S = 10
SHARE = 0.2
FLOOR_PER_S = 3
TELEGRAMS_OWN = (Category.RATE_LIMIT, Category.MIGRATED)
"""Here Telegram itself says when or where to; no policy of ours changes that."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`strategy` and `retries` None: the category's own."""

    base_s: float = 1.0
    cap_s: float = 30.0
    strategy: Strategy | None = None
    retries: int | None = None


DEFAULT = RetryPolicy()


def backoff_s(strategy: Strategy, retry: int, policy: RetryPolicy, jitter: float) -> float:
    """Full jitter: anywhere between nothing and the strategy's wait. `retry` counts from 1; `jitter` is in [0, 1)."""
    match strategy:
        case Strategy.EXPONENTIAL:
            steps = 2.0 ** (retry - 1)
        case Strategy.LINEAR:
            steps = float(retry)
        case Strategy.FIXED:
            steps = 1.0
        case Strategy.FIBONACCI:
            steps = float(_fibonacci(retry))
        case Strategy.AT_ONCE:
            return 0.0
    return min(policy.cap_s, policy.base_s * steps) * jitter


def strategy_of(category: Category, policy: RetryPolicy) -> Strategy:
    treatment = TREATMENT[category]
    is_ours = policy.strategy is not None and treatment.retries and category not in TELEGRAMS_OWN
    return policy.strategy if policy.strategy is not None and is_ours else treatment.strategy


class No(StrEnum):
    """Why an attempt is not made again."""

    NEVER = "category"
    EXHAUSTED = "retries used up"
    AMBIGUOUS = "may have been executed"
    BUDGET = "retry budget used up"
    DEADLINE = "deadline"


class Again(NamedTuple):
    not_before: float
    spends_budget: bool


class Attempted(NamedTuple):
    """What the decision needs to know of the command."""

    retries: int
    """Made so far because of this category."""
    repeatable: bool
    """By its method, or because its caller allowed it."""
    deadline: float


def after(
    failure: Failure, attempted: Attempted, policy: RetryPolicy, budget: Budget, jitter: float, now: float
) -> Again | No:
    treatment = TREATMENT[failure.category]
    own_kind = failure.category not in TELEGRAMS_OWN
    allowed = policy.retries if policy.retries is not None and own_kind and treatment.retries else treatment.retries
    if allowed == 0:
        return No.NEVER
    if not failure.certain and not attempted.repeatable:
        return No.AMBIGUOUS
    if attempted.retries >= allowed:
        return No.EXHAUSTED
    if failure.category is Category.RATE_LIMIT:
        # The hold that it placed does the waiting, to the second and outside the budget.
        return Again(now, spends_budget=False) if now + failure.retry_after_s < attempted.deadline else No.DEADLINE
    if not has_room(budget, now):
        return No.BUDGET
    strategy = strategy_of(failure.category, policy)
    not_before = now + backoff_s(strategy, attempted.retries + 1, policy, jitter)
    return Again(not_before, spends_budget=True) if not_before < attempted.deadline else No.DEADLINE


@dataclass(frozen=True, slots=True)
class Budget:
    """Calls and retries of the last ten seconds, a pair a second: the newest second, and the ten counts up to it."""

    second: int = 0
    calls: tuple[int, ...] = (0,) * WINDOW_S
    retries: tuple[int, ...] = (0,) * WINDOW_S


FRESH = Budget()


def has_room(budget: Budget, now: float) -> bool:
    """Retries stay at or below a fifth of the calls, but a few are always allowed."""
    current = _moved_to(budget, int(now))
    return sum(current.retries) + 1 <= max(SHARE * sum(current.calls), FLOOR_PER_S * WINDOW_S)


def spent(budget: Budget, now: float, *, retry: bool) -> Budget:
    """One call more, or one retry more."""
    current = _moved_to(budget, int(now))
    if retry:
        return replace(current, retries=(*current.retries[:-1], current.retries[-1] + 1))
    return replace(current, calls=(*current.calls[:-1], current.calls[-1] + 1))


def _moved_to(budget: Budget, second: int) -> Budget:
    passed = min(WINDOW_S, second - budget.second)
    if passed <= 0:
        return budget
    empty = (0,) * passed
    return Budget(second, (*budget.calls[passed:], *empty), (*budget.retries[passed:], *empty))


def _fibonacci(n: int) -> int:
    smaller, larger = 0, 1
    for _ in range(n):
        smaller, larger = larger, smaller + larger
    return smaller
