"""Thousands of short lives of a fleet, each from one seed; a seed that fails prints how to see it again."""

from __future__ import annotations

import os

import pytest

from tests.simulation.run import simulated, story

FIRST = int(os.environ.get("BOTLOFT_SIM_FIRST", "1"))
SEEDS = int(os.environ.get("BOTLOFT_SIM_SEEDS", "1000"))
AT_ONCE = 50


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, AT_ONCE))
def test_whatever_goes_wrong_every_command_ends_once_and_honestly(first: int) -> None:
    for seed in range(first, min(first + AT_ONCE, FIRST + SEEDS)):
        world = simulated(seed)
        if world.watch.wrong:
            pytest.fail(story(seed, world), pytrace=False)


def test_a_seed_is_the_same_life_each_time() -> None:
    once, again = simulated(FIRST), simulated(FIRST)

    assert [str(step) for step in once.watch.trace] == [str(step) for step in again.watch.trace]
