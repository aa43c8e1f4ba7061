"""The breaker, driven by hand: every `now` is a number of seconds that the test chose."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rules.breaker import (
    CLOSED,
    Blocked,
    Breaker,
    BreakerPolicy,
    Pass,
    Phase,
    blocked,
    dispatched,
    failed,
    forced,
    handed_over,
    opened,
    reset,
    succeeded,
    undecided,
)

POLICY = BreakerPolicy()


def a_failure(breaker: Breaker, now: float = 0.0, policy: BreakerPolicy = POLICY) -> Breaker:
    breaker, held = dispatched(breaker, policy, now)
    return failed(breaker, policy, held, now)


def a_success(breaker: Breaker, now: float = 0.0, took_s: float = 0.1, policy: BreakerPolicy = POLICY) -> Breaker:
    breaker, held = dispatched(breaker, policy, now)
    return succeeded(breaker, policy, held, took_s, now)


def failures(count: int, breaker: Breaker = CLOSED) -> Breaker:
    for _ in range(count):
        breaker = a_failure(breaker)
    return breaker


def half_open(now: float = 60.0) -> tuple[Breaker, Pass]:
    """Opened at 0, its first probe out at `now`."""
    return dispatched(opened(CLOSED, POLICY, 0.0), POLICY, now)


def test_a_new_bot_may_go() -> None:
    assert blocked(CLOSED, 0.0) is None


def test_four_failures_in_a_row_change_nothing_that_a_caller_sees() -> None:
    assert blocked(failures(4), 0.0) is None


def test_five_failures_in_a_row_open_it_for_a_minute() -> None:
    breaker = failures(5)

    assert Phase.OPEN is breaker.phase
    assert Blocked(60.0, probing=False) == blocked(breaker, 0.0)
    assert Blocked(60.0, probing=False) == blocked(breaker, 59.999)
    assert blocked(breaker, 60.0) is None


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = failures(4, a_success(failures(4)))

    assert Phase.CLOSED is breaker.phase
    assert Phase.OPEN is a_failure(breaker).phase


def test_undecided_answers_neither_count_nor_reset() -> None:
    breaker, held = dispatched(failures(4), POLICY, 0.0)
    breaker = undecided(breaker, held)

    assert Phase.OPEN is a_failure(breaker).phase


def test_the_numbers_are_the_policy_s() -> None:
    policy = BreakerPolicy(failures=2, cooldown_s=7.0, successes=1, probe_timeout_s=3.0)
    breaker = a_failure(a_failure(CLOSED, 10.0, policy), 10.0, policy)

    assert Blocked(17.0, probing=False) == blocked(breaker, 10.0)

    breaker, held = dispatched(breaker, policy, 17.0)

    assert Blocked(20.0, probing=True) == blocked(breaker, 17.0)
    assert Phase.CLOSED is succeeded(breaker, policy, held, 0.1, 18.0).phase


def test_of_fifty_callers_one_is_the_probe_and_the_others_wait_for_it() -> None:
    breaker = opened(CLOSED, POLICY, 0.0)
    probes, waiting = [], []
    for _ in range(50):
        why = blocked(breaker, 60.0)
        if why is None:
            breaker, held = dispatched(breaker, POLICY, 60.0)
            probes.append(held)
        else:
            waiting.append(why)

    assert 1 == len(probes)
    assert [Blocked(75.0, probing=True)] * 49 == waiting


def test_after_the_first_good_probe_a_second_one_goes_at_once_and_again_alone() -> None:
    breaker, held = half_open()
    breaker = succeeded(breaker, POLICY, held, 0.1, 61.0)

    assert Phase.HALF_OPEN is breaker.phase
    assert blocked(breaker, 61.0) is None

    breaker, _ = dispatched(breaker, POLICY, 61.0)

    assert Blocked(76.0, probing=True) == blocked(breaker, 61.0)


def test_two_successful_probes_close_it() -> None:
    breaker, held = half_open()
    breaker = a_success(succeeded(breaker, POLICY, held, 0.1, 61.0), 61.0)

    assert Phase.CLOSED is breaker.phase
    assert blocked(breaker, 61.0) is None


def test_a_breaker_that_closed_again_opens_only_after_five_new_failures() -> None:
    breaker, held = half_open()
    breaker = failures(4, a_success(succeeded(breaker, POLICY, held, 0.1, 61.0), 61.0))

    assert Phase.CLOSED is breaker.phase
    assert Phase.OPEN is a_failure(breaker).phase


def test_a_failed_probe_opens_it_for_another_minute() -> None:
    breaker, held = half_open()
    breaker = failed(breaker, POLICY, held, 63.0)

    assert Blocked(123.0, probing=False) == blocked(breaker, 63.0)


def test_successes_before_a_failed_probe_do_not_count_for_the_next_half_open_phase() -> None:
    breaker, held = half_open()
    breaker = a_failure(succeeded(breaker, POLICY, held, 0.1, 61.0), 61.0)
    breaker = a_success(breaker, 121.0)

    assert Phase.HALF_OPEN is breaker.phase
    assert 1 == breaker.successes


@pytest.mark.parametrize("late", ["success", "failure", "undecided"])
@pytest.mark.parametrize(
    "at",
    [
        pytest.param(lambda: opened(CLOSED, POLICY, 0.0), id="open"),
        pytest.param(lambda: half_open()[0], id="half open"),
        pytest.param(lambda: forced(CLOSED), id="forced"),
        pytest.param(lambda: reset(opened(CLOSED, POLICY, 0.0)), id="closed again"),
    ],
)
def test_a_late_answer_of_a_call_made_before_it_opened_changes_nothing(at: Callable[[], Breaker], late: str) -> None:
    _, early = dispatched(CLOSED, POLICY, 0.0)
    breaker = at()

    assert breaker == answered(breaker, late, early, 61.0)


def answered(breaker: Breaker, how: str, held: Pass, now: float) -> Breaker:
    match how:
        case "success":
            return succeeded(breaker, POLICY, held, 0.1, now)
        case "failure":
            return failed(breaker, POLICY, held, now)
        case _:
            return undecided(breaker, held)


def test_a_lost_probe_does_not_silence_the_bot_for_ever() -> None:
    breaker, _ = half_open()

    assert Blocked(75.0, probing=True) == blocked(breaker, 74.999)
    assert blocked(breaker, 75.0) is None


@pytest.mark.parametrize("late", ["success", "failure", "undecided"])
def test_the_late_answer_of_a_lost_probe_changes_nothing_once_another_is_out(late: str) -> None:
    breaker, lost = half_open()
    breaker, _ = dispatched(breaker, POLICY, 75.0)

    assert breaker == answered(breaker, late, lost, 76.0)


def test_a_probe_that_decided_nothing_makes_room_for_the_next() -> None:
    breaker, held = half_open()
    breaker = undecided(breaker, held)

    assert Phase.HALF_OPEN is breaker.phase
    assert blocked(breaker, 60.5) is None


def test_forced_open_stays_until_an_admin_resets_it() -> None:
    breaker = forced(CLOSED)

    assert Blocked(math.inf, probing=False) == blocked(breaker, 1e12)
    assert blocked(reset(breaker), 0.0) is None


@pytest.mark.parametrize(
    ("before", "is_forced", "phase"),
    [
        pytest.param(lambda: failures(4), False, Phase.CLOSED, id="failures in a row"),
        pytest.param(lambda: opened(CLOSED, POLICY, 0.0), False, Phase.CLOSED, id="open"),
        pytest.param(lambda: half_open()[0], False, Phase.CLOSED, id="half open"),
        pytest.param(lambda: forced(CLOSED), True, Phase.FORCED, id="forced"),
        pytest.param(lambda: CLOSED, True, Phase.FORCED, id="forced in an earlier process"),
    ],
)
def test_a_bot_in_other_hands_begins_anew_but_for_what_an_operator_has_said(
    before: Callable[[], Breaker], is_forced: bool, phase: Phase
) -> None:
    _, early = dispatched(CLOSED, POLICY, 0.0)
    after = handed_over(before(), is_forced=is_forced)

    assert (phase, 0) == (after.phase, after.failures)
    assert after == failed(after, POLICY, early, 1.0), "a call of the former one's changes nothing"


def test_a_reset_forgets_the_failures() -> None:
    assert Phase.CLOSED is failures(4, reset(failures(4))).phase


def test_slow_calls_open_it_when_the_policy_says_so() -> None:
    policy = BreakerPolicy(slow_call_s=2.0, slow_share=0.5, slow_window=4)
    breaker = CLOSED
    for took_s in (0.1, 2.0, 0.1):
        breaker = a_success(breaker, took_s=took_s, policy=policy)

    assert Phase.CLOSED is breaker.phase

    breaker = a_success(breaker, 5.0, took_s=2.0, policy=policy)

    assert Blocked(65.0, probing=False) == blocked(breaker, 5.0)


def test_fewer_slow_calls_than_the_share_leave_it_closed() -> None:
    policy = BreakerPolicy(slow_call_s=2.0, slow_share=0.5, slow_window=4)
    breaker = CLOSED
    for took_s in (0.1, 2.0, 0.1, 0.1) * 10:
        breaker = a_success(breaker, took_s=took_s, policy=policy)

    assert Phase.CLOSED is breaker.phase


def test_slowness_alone_never_opens_it_by_default() -> None:
    breaker = CLOSED
    for _ in range(100):
        breaker = a_success(breaker, took_s=59.0)

    assert CLOSED == breaker


# Any order of events whatever: a small model beside the breaker remembers what was dispatched and when.


@dataclass
class Caller:
    now: float = 0.0
    breaker: Breaker = CLOSED
    out: list[tuple[Pass, float]] = field(default_factory=list)
    """Every pass ever given, answered or not: an answer may come twice, and very late."""
    probes: dict[Pass, float] = field(default_factory=dict)
    """Probes without an answer, and when each is given up."""
    closed_until_opened_at: float = -math.inf

    def step(self, action: str, number: float) -> None:
        before = self.breaker
        if action == "wait":
            self.now += number
        elif action == "dispatch":
            self.dispatch()
        elif self.out:
            held, _ = self.out[int(number) % len(self.out)]
            self.breaker = answered(self.breaker, action, held, self.now)
            self.probes.pop(held, None)
        if before.phase is not Phase.OPEN and self.breaker.phase is Phase.OPEN:
            self.closed_until_opened_at = self.now
        assert self.breaker.epoch >= before.epoch, "the epoch never goes down"
        if before.phase is not self.breaker.phase:
            assert self.breaker.epoch > before.epoch, "another phase is another epoch"

    def dispatch(self) -> None:
        if blocked(self.breaker, self.now) is not None:
            return
        if self.breaker.phase is Phase.OPEN:
            assert self.now >= self.closed_until_opened_at + POLICY.cooldown_s, "nothing leaves while it is open"
        probing = self.breaker.phase is not Phase.CLOSED
        self.breaker, held = dispatched(self.breaker, POLICY, self.now)
        self.out.append((held, self.now))
        if probing:
            live = [p for p, until in self.probes.items() if until > self.now and p.epoch == held.epoch]
            assert not live, "one probe at a time"
            self.probes[held] = self.now + POLICY.probe_timeout_s


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 14.9, 15.0, 30.0, 59.0, 60.0])),
        st.tuples(st.just("dispatch"), st.just(0.0)),
        st.tuples(st.sampled_from(["success", "failure", "failure", "undecided"]), st.integers(0, 50).map(float)),
    ),
    max_size=120,
)


@given(STEPS, st.integers(0, 5))
@settings(max_examples=150, deadline=None)
def test_whatever_happens_there_is_one_probe_and_an_open_breaker_lets_nothing_go(
    steps: list[tuple[str, float]], failed_before: int
) -> None:
    caller = Caller()
    for _ in range(failed_before):
        caller.step("dispatch", 0)
        caller.step("failure", len(caller.out) - 1)
    for action, number in steps:
        caller.step(action, number)

    under_way = [one for one, until in caller.probes.items() if until > caller.now]
    assert sum(one.epoch == caller.breaker.epoch for one in under_way) <= 1


@given(st.lists(st.booleans(), max_size=60))
@settings(max_examples=100, deadline=None)
def test_it_opens_exactly_when_five_failures_stand_at_the_end(good: list[bool]) -> None:
    breaker, in_a_row = CLOSED, 0
    for success in good:
        breaker = a_success(breaker) if success else a_failure(breaker)
        in_a_row = 0 if success else in_a_row + 1

        assert (in_a_row >= 5) == (breaker.phase is Phase.OPEN)
        if breaker.phase is Phase.OPEN:
            return
