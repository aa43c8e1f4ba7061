"""Thousands of short lives of a fleet, each from one seed; a seed that fails prints how to see it again."""

from __future__ import annotations

import os
from typing import Any

import pytest

from actors.slot import Slot, Ticket
from actors.turns import Turns
from domain.rules import breaker, fairness, holds, pacing
from domain.rules.lanes import Lanes
from tests.simulation.run import simulated, story

FIRST = int(os.environ.get("BOTLOFT_SIM_FIRST", "1"))
SEEDS = int(os.environ.get("BOTLOFT_SIM_SEEDS", "1000"))
AT_ONCE = 50
FOUND_WITHIN = 150


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, AT_ONCE))
def test_whatever_goes_wrong_every_command_ends_once_and_honestly(first: int) -> None:
    for seed in range(first, min(first + AT_ONCE, FIRST + SEEDS)):
        world = simulated(seed)
        if world.watch.wrong:
            pytest.fail(story(seed, world), pytrace=False)


def test_a_seed_is_the_same_life_each_time() -> None:
    once, again = simulated(FIRST), simulated(FIRST)

    assert [str(step) for step in once.watch.trace] == [str(step) for step in again.watch.trace]


def in_its_turn(rounds: Any) -> object:
    """The fullest tenant first, again and again."""
    if rounds._ahead:  # noqa: SLF001  a bug has no manners
        return rounds._ahead.popitem()[0]  # noqa: SLF001
    waiting = rounds._waiting  # noqa: SLF001
    tenant_id = max(waiting, key=lambda one: len(waiting[one]))
    member = next(iter(waiting[tenant_id]))
    del waiting[tenant_id][member]
    if not waiting[tenant_id]:
        rounds._forget(tenant_id)  # noqa: SLF001
    return member


@pytest.mark.parametrize(
    ("where", "name", "broken", "seen_as"),
    [
        (holds, "held_until", lambda *_: None, "held for"),
        (breaker, "blocked", lambda *_: None, "too early"),
        (pacing, "leaves_at", lambda *_: 0.0, "pace"),
        (fairness.Rounds, "next", in_its_turn, "too often in a round"),
        (Turns, "is_open", lambda *_: True, "'s pace allows it"),
        (Turns, "_called", lambda _: None, "should have been delivered"),
        (Ticket, "repeatable", property(lambda _: True), "executed 2 times"),
        (Ticket, "maybe_executed", property(lambda _: False, lambda *_: None), "ended as not sent"),
        (Lanes, "busy", lambda *_: None, "leaves before"),
        (Lanes, "free", lambda *_: None, "should have been delivered"),
        (Slot, "unparked", lambda _: [], "still has"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_broken_on_purpose_is_seen(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, broken: object, seen_as: str
) -> None:
    monkeypatch.setattr(where, name, broken)

    lives = (simulated(seed) for seed in range(1, FOUND_WITHIN))

    assert any(seen_as in wrong for life in lives for wrong in life.watch.wrong)
