"""Carries the log into the views, one step at a time; knows how far each projection is and what keeps it.

The log is read once for all projections that are in front. One that is far behind catches up in batches of its own, in
turns with them, so that nobody reads anything twice and nobody waits. Each has its own position, which commits with
its rows. One that raises is rolled back to before the event that it cannot fold and stops there, one that is paused is
left alone, and the others go on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import structlog

from domain.errors import Unreadable
from domain.store.ledger import Ledger
from domain.store.mapper import Recorded
from projections.baseline import begun
from projections.checkpoints import Checkpoints
from projections.folding import Folded, fold, is_damage, stopped
from projections.projection import Projection
from projections.skips import Skips, skips_of
from projections.state import Pause, State, Stop
from projections.views import Views, keep_pauses, move, pauses, positions

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Carrier:
    """`step` is for one thread. The rest is for any, and waits for the step that is being made."""

    def __init__(
        self, ledger: Ledger, views: Views, projections: Sequence[Projection], checkpoints: Checkpoints | None = None
    ) -> None:
        """Raises StoreUnavailable when the log cannot be asked for its newest position."""
        self._checkpoints = checkpoints
        self._ledger = ledger
        self._views = views
        self._projections = {projection.name: projection for projection in projections}
        # Each is replaced as a whole, so that whoever looks needs no lock.
        self._stopped: Mapping[str, Stop] = {}
        self._skipped: Mapping[str, Skips] = {name: skips_of(ledger, name) for name in self._projections}
        self._is_prepared, self._is_damaged = True, False
        self.reached = self._prepared()
        with views.reading() as connection:
            self._paused: Mapping[str, Pause] = pauses(connection)

    def named(self, name: str) -> Projection:
        return self._projections[name]

    def states(self) -> list[State]:
        return [
            State(name, at, self._stopped.get(name), self._paused.get(name), tuple(self._skipped[name].values()))
            for name, at in self.reached.items()
        ]

    def stands_still(self, name: str) -> bool:
        return name in self._paused or name in self._stopped

    def step(self, limit: int) -> int:
        """A batch for those in front and one for those far behind. How many events; `limit`: there may be more."""
        with self._views.alone():
            self._look_after_the_file()
            groups = grouped(self._running(), self.reached, limit)
            read = 0
            for group in groups:
                read = self._carry(group, limit)
            return limit if len(groups) > 1 else read

    def mend(self, error: Exception) -> None:
        """After a step that failed: a damaged file is thrown away at the next one, and the log fills a new one."""
        self._is_damaged = is_damage(error)

    def pause(self, name: str, pause: Pause) -> None:
        """Kept in the views' file. Raises sqlite3.Error."""
        self._keep_paused({**self._paused, name: pause})

    def resume(self, name: str) -> None:
        """Whatever it stands still for: it tries again. Raises sqlite3.Error."""
        with self._views.alone():
            if name in self._paused:
                self._keep_paused(_without(name, self._paused))
            self._stopped = _without(name, self._stopped)

    def obey_skips(self, name: str) -> None:
        """There is a new decision in the log. Raises StoreUnavailable."""
        skips = skips_of(self._ledger, name)
        with self._views.alone():
            self._skipped = {**self._skipped, name: skips}
            stop = self._stopped.get(name)
            if stop is not None and stop.position in skips:
                self._stopped = _without(name, self._stopped)

    def adopt(self, rebuilt: Path, state: State) -> None:
        """Takes over the tables of one projection, for a caller who holds the views alone."""
        self._views.adopt(rebuilt)
        self._stopped = _without(state.name, self._stopped)
        self.reached = {**self.reached, state.name: state.position}

    def _running(self) -> list[Projection]:
        return [projection for name, projection in self._projections.items() if not self.stands_still(name)]

    def _carry(self, group: Sequence[Projection], limit: int) -> int:
        stops: dict[str, Stop] = {}
        with self._views.writing() as connection:
            reached = positions(connection)
            after = min(reached[projection.name] for projection in group)
            try:
                batch, unreadable = self._ledger.read(after, limit), None
            except Unreadable as found:
                batch, unreadable = [], found
            for projection in group if batch or unreadable else ():
                at, skipped = reached[projection.name], self._skipped[projection.name]
                if unreadable is not None:
                    folded = _past(unreadable, projection, at, skipped)
                else:
                    unseen = batch if at == after else [recorded for recorded in batch if recorded.position > at]
                    folded = fold(projection, unseen, at, connection, skipped)
                reached[projection.name] = folded.position
                move(connection, projection.name, folded.position)
                if folded.stop is not None:
                    stops[projection.name] = folded.stop
        if batch:
            self._keep_checkpoint(batch[-1])
        # Only now is it true, and only here can no rebuild come in between.
        self._stopped = {**self._stopped, **stops}
        self.reached = {name: reached[name] for name in self.reached}
        return limit if unreadable is not None else len(batch)

    def _look_after_the_file(self) -> None:
        if self._is_damaged or not self._views.is_in_place():
            log.warning("views_damaged" if self._is_damaged else "views_replaced", path=str(self._views.path))
            self._is_prepared = False
            self._views.start_over() if self._is_damaged else self._views.reopen()
            self._is_damaged = False
        if not self._is_prepared:
            self.reached = self._prepared()
            # Who was paused stays so, whatever this file says.
            self._keep_paused(self._paused)
            self._stopped = {}
            self._is_prepared = True

    def _keep_paused(self, paused: Mapping[str, Pause]) -> None:
        with self._views.alone():
            with self._views.writing() as connection:
                keep_pauses(connection, paused)
            self._paused = paused

    def _prepared(self) -> Mapping[str, int]:
        self._views.prepare(self._projections.values())
        with self._views.reading() as connection:
            reached = positions(connection)
        if max(reached.values(), default=0) > self._ledger.head():
            # Views of another log: this one was restored or replaced.
            log.warning("views_ahead_of_log", positions=reached)
            self._views.start_over()
            if self._checkpoints is not None:
                self._checkpoints.forget()
            self._views.prepare(self._projections.values())
            reached = {}
        return {name: reached.get(name, 0) or self._begun(projection) for name, projection in self._projections.items()}

    def _begun(self, projection: Projection) -> int:
        with self._views.writing() as connection:
            position = begun(self._ledger, projection, connection)
            move(connection, projection.name, position)
        return position

    def checkpoint(self) -> None:
        """Of the views as they are now. Raises StoreUnavailable."""
        with self._views.alone():
            newest = self._ledger.at(max(self.reached.values(), default=0))
            if newest is not None:
                self._keep_checkpoint(newest, is_wanted=True)

    def _keep_checkpoint(self, newest: Recorded, *, is_wanted: bool = False) -> None:
        if self._checkpoints is None or not (is_wanted or self._checkpoints.is_due(newest.position)):
            return
        try:
            self._checkpoints.keep(self._views, newest.position, newest.event.occurred_at)
        except (sqlite3.Error, OSError) as error:
            # Without it a question about the past takes longer; the views go on.
            log.warning("checkpoint_not_kept", position=newest.position, reason=repr(error))


def grouped(running: Sequence[Projection], reached: Mapping[str, int], limit: int) -> list[Sequence[Projection]]:
    """Those within a batch of the foremost, and of the others those within a batch of the last."""
    if not running:
        return []
    front = max(reached[projection.name] for projection in running)
    last = min(reached[projection.name] for projection in running)
    in_front = [projection for projection in running if reached[projection.name] > front - limit]
    behind = [projection for projection in running if reached[projection.name] <= front - limit]
    far_behind = [projection for projection in behind if reached[projection.name] < last + limit]
    return [in_front, far_behind] if far_behind else [in_front]


def _past(unreadable: Unreadable, projection: Projection, at: int, skipped: Skips) -> Folded:
    """An event that nobody can read stops everybody who has not been told to skip it."""
    if at >= unreadable.position or unreadable.position in skipped:
        return Folded(max(at, unreadable.position), None)
    return Folded(at, stopped(projection, unreadable.position, unreadable.topic, unreadable.cause))


def _without(name: str, mapping: Mapping[str, T]) -> Mapping[str, T]:
    return {other: found for other, found in mapping.items() if other != name}
