"""Weighted rounds: whose turn it is, and how long the others wait for theirs."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rules.fairness import Rounds


def joined(*members: str) -> Rounds[str]:
    """`a1` is a member of tenant `a`."""
    rounds: Rounds[str] = Rounds()
    for member in members:
        rounds.join(member[0], member)
    return rounds


def all_turns(rounds: Rounds[str]) -> list[str]:
    turns = []
    while rounds:
        turns.append(rounds.next())
    return turns


def test_tenants_take_turns_however_many_members_one_has() -> None:
    assert ["a1", "b1", "c1", "a2", "b2", "a3", "a4"] == all_turns(joined("a1", "a2", "a3", "a4", "b1", "b2", "c1"))


def test_a_tenant_gets_its_weight_in_each_round() -> None:
    rounds: Rounds[str] = Rounds()
    for number in range(9):
        rounds.join("a", f"a{number}", weight=3)
        rounds.join("b", f"b{number}", weight=1)

    turns = [rounds.next()[0] for _ in range(12)]

    assert list("aaabaaabaaab") == turns


def test_joining_twice_is_waiting_once() -> None:
    assert ["a1", "a2"] == all_turns(joined("a1", "a2", "a1"))


def test_where_nobody_waits_there_is_no_turn() -> None:
    rounds = joined()

    assert not rounds
    with pytest.raises(IndexError):
        rounds.next()


def test_coming_back_after_each_turn_is_no_way_to_overtake() -> None:
    rounds = joined("a1", "b1", "b2")
    turns = []
    for _ in range(4):
        turns.append(rounds.next())
        rounds.join("a", "a1")

    assert ["a1", "b1", "a1", "b2"] == turns


def test_whoever_comes_back_in_its_round_has_what_is_left_of_it_and_no_more() -> None:
    rounds: Rounds[str] = Rounds()
    rounds.join("a", "a1", weight=3)
    rounds.join("b", "b1")
    turns = []
    for _ in range(5):
        turns.append(rounds.next())
        rounds.join(turns[-1][0], turns[-1], weight=3 if turns[-1] == "a1" else 1)

    assert ["a1", "a1", "a1", "b1", "a1"] == turns


def test_a_newcomer_gets_nothing_of_what_another_left_of_its_round() -> None:
    rounds: Rounds[str] = Rounds()
    rounds.join("a", "a1", weight=3)
    rounds.join("b", "b1")
    rounds.next()
    rounds.join("c", "c1")

    assert ["b1", "c1"] == all_turns(rounds)


def test_a_new_weight_counts_from_the_tenant_s_next_round_on() -> None:
    rounds: Rounds[str] = Rounds()
    for number in range(9):
        rounds.join("a", f"a{number}")
        rounds.join("b", f"b{number}")
    before = [rounds.next()[0] for _ in range(2)]
    rounds.join("a", "a9", weight=3)
    turns = [rounds.next()[0] for _ in range(9)]

    assert list("ab") == before
    assert list("abaaabaaa") == turns


def test_whoever_leaves_has_no_turn_and_costs_the_others_none() -> None:
    rounds = joined("a1", "a2", "b1", "c1")
    for member in ("a1", "b1", "b1", "z1"):
        rounds.leave(member[0], member)

    assert (2, 1, 0) == (len(rounds), rounds.waiting("a"), rounds.waiting("b"))
    assert ["a2", "c1"] == all_turns(rounds)


def test_whoever_goes_ahead_passes_the_rounds_every_other_time_at_most() -> None:
    rounds = joined("a1", "b1")
    for member in ("x1", "x2", "x3", "x4"):
        rounds.join_ahead(member)

    assert ["x1", "a1", "x2", "b1", "x3", "x4"] == all_turns(rounds)


def test_going_ahead_twice_is_going_once() -> None:
    rounds = joined()
    for _ in range(2):
        rounds.join_ahead("x1")

    assert (True, 1) == (rounds.is_ahead("x1"), len(rounds))
    assert ["x1"] == all_turns(rounds)
    assert not rounds.is_ahead("x1")


WEIGHTS = {"a": 1, "b": 2, "c": 5, "d": 1}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(WEIGHTS)), st.integers(0, 4)),
        st.just(("next", 0)),
        st.just(("next", 0)),
    ),
    max_size=150,
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_a_tenant_never_waits_longer_than_one_round_of_the_others(steps: list[tuple[str, int]]) -> None:
    rounds: Rounds[str] = Rounds()
    waiting: set[str] = set()
    passed: dict[str, Counter[str]] = {}
    """Of each tenant that waits: the turns of others since it began to, or since its own last one."""
    for action, number in steps:
        if action == "next":
            if not waiting:
                continue
            member = rounds.next()
            waiting.remove(member)
            passed.pop(member[0], None)
            for turns in passed.values():
                turns[member[0]] += 1
        else:
            rounds.join(action, f"{action}{number}", WEIGHTS[action])
            waiting.add(f"{action}{number}")
        tenants = {member[0] for member in waiting}
        passed = {tenant: passed.get(tenant, Counter()) for tenant in tenants}

        assert bool(waiting) == bool(rounds)
        for turns in passed.values():
            assert all(count <= max(WEIGHTS.values()) for count in turns.values())
