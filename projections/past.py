"""The views as they were at an earlier position: the nearest checkpoint before it, and the rest folded from the log."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from domain.errors import Unreadable
from domain.store.ledger import Ledger
from projections.baseline import begun, horizon
from projections.checkpoints import Checkpoint, Checkpoints
from projections.folding import fold
from projections.projection import Projection
from projections.skips import skips_of
from projections.views import Views

BATCH = 2000
REMEMBERED = 8
"""Of the moments last asked about: who looks into the past asks more than one question of it."""


class Unfoldable(Exception):
    """There is an event before this position that the projection cannot fold."""


class NotReached(Exception):
    """The log has not come to this position, or began only later than this time."""


class BeforeRetention(Exception):
    """What happened up to that moment is not kept any more."""

    def __init__(self, horizon: datetime) -> None:
        super().__init__(horizon)
        self.horizon = horizon


class Moment(NamedTuple):
    position: int
    at: datetime


class PastViews:
    """Answers as the live views do; one reader at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._alone = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._alone:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.rollback()


class Past:
    """For any thread. The work of folding is done by one at a time, so that the process has time for its commands."""

    def __init__(
        self, ledger: Ledger, views: Views, checkpoints: Checkpoints, projections: Sequence[Projection]
    ) -> None:
        self._ledger = ledger
        self._views = views
        self._checkpoints = checkpoints
        self._projections = {projection.name: projection for projection in projections}
        self._remembered: OrderedDict[tuple[tuple[str, ...], int], PastViews] = OrderedDict()
        self._alone = threading.Lock()

    def at(self, position: int, *names: str) -> PastViews:
        """These projections together. Raises Unfoldable, StoreUnavailable, and KeyError for one that there is not."""
        with self._alone:
            found = self._remembered.pop((names, position), None) or self._made(names, position)
            self._remembered[names, position] = found
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
            return found

    def moment(self, asked: int | datetime) -> Moment:
        """A position is as late as its event; a time is at the last position before it.

        Raises NotReached and BeforeRetention.
        """
        moment = self._at_time(asked) if isinstance(asked, datetime) else self._at_position(asked)
        kept_after = horizon(self._ledger)
        if moment.position < kept_after:
            raise BeforeRetention(self._at_position(kept_after).at)
        return moment

    def _at_time(self, time: datetime) -> Moment:
        position = self._ledger.position_at(time)
        if position == 0:
            raise NotReached("The log began later than that.")
        return Moment(position, time)

    def _at_position(self, position: int) -> Moment:
        # Itself was dropped, maybe: then the next one tells the time.
        at = self._ledger.time_after(position - 1)
        if at is None:
            raise NotReached("The log has not come to that position.")
        return Moment(position, at)

    def forget_before(self, position: int) -> None:
        """For a log that does not reach back so far any more."""
        with self._alone:
            self._remembered.clear()
            self._checkpoints.drop_before(position)

    def _made(self, names: Sequence[str], position: int) -> PastViews:
        connection = sqlite3.connect(":memory:", uri=True, isolation_level=None, check_same_thread=False)
        connection.execute("ATTACH ? AS live", (f"{self._views.path.absolute().as_uri()}?mode=ro",))
        for name in names:
            self._make(self._projections[name], position, connection)
        connection.execute("PRAGMA query_only=ON")
        return PastViews(connection)

    def _make(self, projection: Projection, position: int, connection: sqlite3.Connection) -> None:
        for statement in projection.tables:
            connection.execute(statement)
        checkpoint = self._checkpoints.before(projection.name, position)
        if checkpoint is not None and _reached(connection, projection) < checkpoint.position:
            # The live view begins anew, and has not come to what is settled.
            checkpoint = None
        if checkpoint is not None:
            _fill(connection, projection, checkpoint)
        connection.execute("BEGIN")
        after = checkpoint.position if checkpoint else begun(self._ledger, projection, connection)
        self._fold(connection, projection, after, position)
        connection.commit()
        if checkpoint is not None:
            _look_through(connection, projection, checkpoint.settled)

    def _fold(self, connection: sqlite3.Connection, projection: Projection, after: int, until: int) -> None:
        skipped = skips_of(self._ledger, projection.name)
        while after < until:
            try:
                read = self._ledger.read(after, BATCH)
            except Unreadable as unreadable:
                if unreadable.position not in skipped:
                    raise Unfoldable(str(unreadable)) from unreadable
                after = unreadable.position
                continue
            batch = list(takewhile(lambda recorded: recorded.position <= until, read))
            if not batch:
                return
            folded = fold(projection, batch, after, connection, skipped)
            if folded.stop is not None:
                raise Unfoldable(f"{folded.stop.topic} at position {folded.stop.position}")
            after = folded.position


def _reached(connection: sqlite3.Connection, projection: Projection) -> int:
    row = connection.execute("SELECT position FROM live.positions WHERE name=?", (projection.name,)).fetchone()
    return int(row[0]) if row else 0


def _fill(connection: sqlite3.Connection, projection: Projection, checkpoint: Checkpoint) -> None:
    connection.execute("ATTACH ? AS copy", (f"{checkpoint.path.absolute().as_uri()}?mode=ro",))
    for table in projection.carried:
        connection.execute(f"INSERT INTO main.{table.name} SELECT * FROM copy.{table.name}")  # noqa: S608  ours
    connection.execute("DETACH copy")


def _look_through(connection: sqlite3.Connection, projection: Projection, settled: float) -> None:
    """What is settled is read from the live view, by a temporary view that stands in front of the table."""
    for table in projection.carried:
        if table.begins is not None:
            connection.execute(
                f"CREATE TEMP VIEW {table.name} AS SELECT * FROM main.{table.name} UNION ALL "  # noqa: S608  ours
                f"SELECT * FROM live.{table.name} WHERE {table.begins} < {settled!r}"
            )
