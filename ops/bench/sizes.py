"""How much is measured: enough for numbers that repeat, or just enough to see that everything runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    rounds: int
    commands_a_round: int
    bots: int
    wakes: int
    idle_deadline_s: float
    """Of the commands after which bots are idle: only then is nothing kept of them."""
    recorded_singly: int
    recorded_in_groups: int
    pipeline: int
    by_library: int
    """Events that the library's own runner folds, and saves of its own application."""
    paced_s: float
    exported: int
    replayed: int
    polling: int


FULL = Sizes(
    rounds=7,
    commands_a_round=4000,
    bots=20_000,
    wakes=500,
    idle_deadline_s=10.0,
    recorded_singly=1000,
    recorded_in_groups=60_000,
    pipeline=50_000,
    by_library=3000,
    paced_s=20.0,
    exported=1_000_000,
    replayed=20_000,
    polling=1000,
)
QUICK = Sizes(
    rounds=1,
    commands_a_round=100,
    bots=50,
    wakes=10,
    idle_deadline_s=3.0,
    recorded_singly=20,
    recorded_in_groups=2000,
    pipeline=200,
    by_library=50,
    paced_s=1.0,
    exported=3000,
    replayed=100,
    polling=20,
)
CONCURRENCY = 32
CHATS = 1000
