"""A runner that ends with its test, a wait for it, and a projection that is easy to upset."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from domain import events as e
from domain.store.mapper import Recorded
from projections.runner import Runner

SOON_S = 10.0
"""Nothing takes so long; a test that waits for it has failed."""


class Counts:
    """Keeps the positions it has seen, and cannot see one twice; `allergic_to` one kind of event."""

    def __init__(self, name: str = "counts", allergic_to: type[e.Event] | None = None) -> None:
        self.name = name
        self.tables = (f"CREATE TABLE IF NOT EXISTS {name} (seen INTEGER PRIMARY KEY)",)
        self.carried = ()
        self.allergic_to = allergic_to

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        for recorded in events:
            connection.execute(f"INSERT INTO {self.name} VALUES (?)", (recorded.position,))
            if type(recorded.event) is self.allergic_to:
                raise ValueError("cannot fold this")


@contextmanager
def running(runner: Runner) -> Iterator[Runner]:
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()


def reached(runner: Runner, position: int, timeout_s: float = SOON_S, of: str | None = None) -> bool:
    return asyncio.run(runner.wait_for(position, timeout_s, of=of))
