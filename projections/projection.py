"""What a projection is: tables, and how events change them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from domain.store.mapper import Recorded


class Projection(Protocol):
    """A fold depends on the events alone (their times, never the clock) and keeps nothing in memory between batches.

    So the same events give the same rows, however they are cut into batches: rebuilt from zero equals live.
    """

    @property
    def name(self) -> str: ...

    @property
    def tables(self) -> Sequence[str]:
        """Statements that create tables and indexes IF NOT EXISTS."""

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        """Runs inside a transaction of the caller's."""
