"""Copies of the views at some positions, so that a question about an earlier moment need not fold the whole log.

Rows of the present are copied whole. Of rows that belong to a stretch of time only those of the last days are: what is
older changes no more, and the live view has it. Checkpoints are as disposable as the views themselves.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from projections.projection import Projection
from projections.views import SCHEMA_VERSION, Views

EVERY = 50_000
"""Positions from one to the next: what is folded for an answer is never more than that."""
KEPT = 200
SETTLED_S = 2 * 86_400
"""Later nothing is added to a stretch of time; a clock set back by a day has room in it."""


class Checkpoint(NamedTuple):
    path: Path
    position: int
    """How far the projection was that was asked for."""
    settled: float
    """Stretches of time that began before (unix seconds) are in the live view only."""


class Checkpoints:
    def __init__(self, directory: Path, projections: Sequence[Projection], every: int = EVERY) -> None:
        self._directory = directory
        self._projections = tuple(projections)
        self._every = every
        self._positions = self._found()
        self._changing = threading.RLock()

    def is_due(self, position: int) -> bool:
        return position - max(self._positions, default=0) >= self._every

    def keep(self, views: Views, position: int, at: datetime) -> None:
        """The views as they are now; `at` is the time of the newest event in them. Raises sqlite3.Error, OSError."""
        settled = at.timestamp() - SETTLED_S
        unfinished = self._directory / "unfinished.db"
        self._directory.mkdir(exist_ok=True)
        unfinished.unlink(missing_ok=True)
        views.copy_to(unfinished, list(self._copying(settled)))
        with self._changing:
            unfinished.replace(self._path(position))
            if position not in self._positions:
                self._positions.append(position)
            self._thin_out()

    def before(self, name: str, position: int) -> Checkpoint | None:
        """The newest one in which the projection had not yet gone beyond `position`."""
        with self._changing:
            for candidate in sorted(self._positions, reverse=True):
                path = self._path(candidate)
                found = _read(path, name)
                if found is None:
                    self._drop(candidate)
                elif found[0] <= position:
                    return Checkpoint(path, *found)
        return None

    def drop_before(self, position: int) -> None:
        with self._changing:
            for old in [kept for kept in self._positions if kept < position]:
                self._drop(old)

    def forget(self) -> None:
        """For views that start over: another log may lie under them."""
        self.drop_before(max(self._positions, default=0) + 1)

    def _copying(self, settled: float) -> Iterator[tuple[str, tuple[float, ...]]]:
        yield "CREATE TABLE copy.positions AS SELECT * FROM main.positions", ()
        yield "CREATE TABLE copy.settled AS SELECT ? AS since", (settled,)
        for projection in self._projections:
            for table in projection.carried:
                everything = f"CREATE TABLE copy.{table.name} AS SELECT * FROM main.{table.name}"  # noqa: S608  ours
                if table.begins is None:
                    yield everything, ()
                else:
                    yield f"{everything} WHERE {table.begins} >= ?", (settled,)
        yield f"PRAGMA copy.user_version={SCHEMA_VERSION}", ()

    def _thin_out(self) -> None:
        """Of the older half every second one goes."""
        if len(self._positions) > KEPT:
            for position in sorted(self._positions)[: KEPT // 2 : 2]:
                self._drop(position)

    def _drop(self, position: int) -> None:
        self._path(position).unlink(missing_ok=True)
        self._positions.remove(position)

    def _path(self, position: int) -> Path:
        return self._directory / f"{position}.db"

    def _found(self) -> list[int]:
        if not self._directory.is_dir():
            return []
        return [int(path.stem) for path in self._directory.glob("*.db") if path.stem.isdecimal()]


def _read(path: Path, name: str) -> tuple[int, float] | None:
    """The projection's position and what is settled; None: the file is of no use."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return None
    try:
        if connection.execute("PRAGMA user_version").fetchone() != (SCHEMA_VERSION,):
            return None
        row = connection.execute("SELECT position, since FROM positions, settled WHERE name=?", (name,)).fetchone()
        return (int(row[0]), float(row[1])) if row else None
    except sqlite3.Error:
        return None
    finally:
        connection.close()
