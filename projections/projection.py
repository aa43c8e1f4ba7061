"""What a projection is: tables, and how events change them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.store.mapper import Recorded


class Table(NamedTuple):
    name: str
    begins: str | None = None
    """The column with the unix time at which the row's stretch of time begins; None: a row is about the present."""


class Projection(Protocol):
    """A fold depends on the events alone (their times, never the clock) and keeps nothing in memory between batches.

    So the same events give the same rows, however they are cut into batches: rebuilt from zero equals live.
    """

    @property
    def name(self) -> str: ...

    @property
    def tables(self) -> Sequence[str]:
        """Statements that create tables and indexes IF NOT EXISTS."""

    @property
    def carried(self) -> Sequence[Table]:
        """Those of its tables that are asked about earlier moments too: checkpoints have them."""

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        """Runs inside a transaction of the caller's."""
