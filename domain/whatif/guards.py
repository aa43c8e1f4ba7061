"""One replayed bot's breaker, holds, pace and retry budget, and what each answer does to them."""

from __future__ import annotations

import math

from domain.failure import TREATMENT, Category, Failure, OnBreaker
from domain.rules import breaker, gates, holds, pacing, retry
from domain.rules.breaker import Breaker, Phase
from domain.whatif.policy import Policy
from domain.whatif.rerun import Rerun
from domain.whatif.tale import Given

FULL_AT_KEPT = 4096
LUCK = 0.5
"""The jitter of a retry that was never made."""


class Spending:
    """A retry budget; calls are entered when somebody asks, since most bots never repeat anything."""

    __slots__ = ("_budget", "_calls")

    def __init__(self) -> None:
        self._budget = retry.FRESH
        self._calls: list[float] = []

    def called(self, now: float) -> None:
        self._calls.append(now)

    def has_room(self, now: float) -> bool:
        return retry.has_room(self._entered(now), now)

    def at(self, now: float) -> retry.Budget:
        return self._entered(now)

    def repeated(self, now: float) -> None:
        self._budget = retry.spent(self._entered(now), now, retry=True)

    def _entered(self, now: float) -> retry.Budget:
        calls, self._calls = self._calls, []
        for at in calls:
            if at > now - 2 * retry.WINDOW_S:
                self._budget = retry.spent(self._budget, at, retry=False)
        return self._budget


class Guards:
    __slots__ = ("_fleet", "_full_at", "_policy", "_spending", "breaker", "holds", "not_closed", "slow", "today")

    def __init__(self, fleet: Spending) -> None:
        self._policy = Policy()
        self.today = retry.DEFAULT
        """The policy under which the recorded back-offs were drawn, as far as anybody knows."""
        self.breaker = breaker.CLOSED
        self.holds = holds.NONE
        self.slow: pacing.Slowdown | None = None
        self.not_closed: list[tuple[float, float]] = []
        """From when to when; the last one may go on for ever."""
        self._full_at: dict[str, float] = {}
        self._spending, self._fleet = Spending(), fleet

    @property
    def policy(self) -> Policy:
        return self._policy

    def policy_changed(self, policy: Policy, now: float) -> None:
        before, self._policy = self._policy, policy
        if policy.pace != before.pace:
            self._full_at = pacing.repaced(self._full_at, policy.pace, self.slow, now)

    def obstacle(self, call: gates.Call, in_flight: int, now: float) -> gates.Stay | gates.Refuse | None:
        policy = self.policy
        situation = gates.Situation(
            self.breaker, self.holds, policy.pace, self.slow, self._full_at, in_flight, policy.max_in_flight
        )
        return gates.verdict(call, situation, now)

    def dispatched(self, rerun: Rerun, now: float) -> None:
        after, rerun.held = breaker.dispatched(self.breaker, self.policy.breaker, now)
        if after is not self.breaker:
            self.became(after, now)
        needed = pacing.rates(self.policy.pace, rerun.call.chat, self.slow, now)
        if needed:
            self._full_at.update(pacing.taken(self._full_at, needed, now))
            if len(self._full_at) > FULL_AT_KEPT:
                self._full_at = pacing.still_filling(self._full_at, now)
        if not rerun.attempts:
            self._spending.called(now)
            self._fleet.called(now)

    def worked(self, rerun: Rerun, took_s: float, now: float) -> None:
        assert rerun.held is not None  # noqa: S101  it was dispatched
        after = breaker.succeeded(self.breaker, self.policy.breaker, rerun.held, took_s, now)
        if after is not self.breaker:
            self.became(after, now)

    def returned(self, rerun: Rerun, now: float) -> None:
        """It goes again: a probe is free."""
        assert rerun.held is not None  # noqa: S101  it was dispatched
        self.became(breaker.undecided(self.breaker, rerun.held), now)

    def next_attempt(self, rerun: Rerun, failure: Failure, given: Given, now: float) -> retry.Again | None:
        made = rerun.retries.get(failure.category, 0)
        attempted = retry.Attempted(made, rerun.tale.repeatable, rerun.call.leaves_by)
        jitter = self._luck(failure, made + 1, given)
        decision = retry.after(failure, attempted, self.policy.retry, self._spending.at(now), jitter, now)
        if not isinstance(decision, retry.Again):
            return None
        if decision.spends_budget:
            if not self._fleet.has_room(now):
                return None
            self._fleet.repeated(now)
            self._spending.repeated(now)
        return decision

    def failed_for_good(self, rerun: Rerun, failure: Failure, now: float) -> None:
        held, before = rerun.held, self.breaker
        assert held is not None  # noqa: S101  it was dispatched
        match TREATMENT[failure.category].on_breaker:
            case OnBreaker.COUNTS:
                after = breaker.failed(before, self.policy.breaker, held, now)
            case OnBreaker.OPENS if held.epoch == before.epoch:
                after = breaker.opened(before, self.policy.breaker, now)
            case _:
                after = breaker.undecided(before, held)
        self.became(after, now)

    def rate_limited(self, rerun: Rerun, failure: Failure, now: float) -> None:
        scope = holds.scope_of(rerun.call.method, rerun.call.chat)
        self.holds = holds.placed(self.holds, scope, failure.retry_after_s, now)
        self.slow = pacing.slowed(self.policy.pace, self.slow, now)

    def became(self, after: Breaker, now: float) -> None:
        was_closed, is_closed = self.breaker.phase is Phase.CLOSED, after.phase is Phase.CLOSED
        self.breaker = after
        if was_closed and not is_closed:
            self.not_closed.append((now, math.inf))
        elif is_closed and not was_closed:
            self.not_closed[-1] = (self.not_closed[-1][0], now)

    def _luck(self, failure: Failure, number: int, given: Given) -> float:
        """The jitter that the recorded back-off was drawn with; the same luck under another policy."""
        if given.again_after_s is None or failure.category in (Category.RATE_LIMIT, Category.MIGRATED):
            return LUCK
        strategy = self.today.strategy or TREATMENT[failure.category].strategy
        longest_s = retry.backoff_s(strategy, number, self.today, 1.0)
        return min(given.again_after_s / longest_s, 1.0) if longest_s > 0 else LUCK
