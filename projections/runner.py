"""Carries the log into the views, batch by batch, on a thread of its own.

The log is read once for all projections. Each has its own position, which commits with its rows; one that raises is
rolled back to before the event that it cannot fold and stops there, and the others go on.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import structlog

from domain.store.ledger import Ledger
from domain.store.mapper import Recorded
from projections.baseline import begun
from projections.checkpoints import Checkpoints
from projections.folding import fold
from projections.projection import Projection
from projections.views import Views, delete, move, positions
from projections.waiting import Waiters

BATCH = 2000
POLL_S = 1.0
"""In case a wake was missed, or trouble is over."""
REST_S, REST_S_PER_EVENT, REST_S_MAX = 0.008, 0.001, 0.1
"""After a batch, about thirty times as long as it takes: live projecting costs little of a core, in larger batches."""

log = structlog.get_logger(__name__)


class NotRebuilt(Exception):
    """The projection cannot fold one of the log's events."""


class State(NamedTuple):
    name: str
    position: int
    error: str | None
    """Why it stopped, or what keeps all of them from going on; None: it runs."""


class Runner:
    def __init__(
        self, ledger: Ledger, views: Views, projections: Sequence[Projection], checkpoints: Checkpoints | None = None
    ) -> None:
        """Raises StoreUnavailable when the log cannot be asked for its newest position."""
        self._ledger = ledger
        self._checkpoints = checkpoints
        self._views = views
        self._projections = tuple(projections)
        self._stopped: dict[str, str] = {}
        self._trouble: str | None = None
        self._woken = threading.Event()
        self._hurried = threading.Event()
        self._stopping = threading.Event()
        self._rebuilding = threading.Lock()
        self._thread: threading.Thread | None = None
        self._waiters = Waiters(self.position)
        self._reached = self._prepared()

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="projections", daemon=False)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the batch that it is at."""
        self._stopping.set()
        self._hurried.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """There are new events. Cheap, from any thread."""
        if not self._woken.is_set():
            self._woken.set()

    def catch_up(self) -> None:
        """Folds all there is, in the caller's thread. Raises StoreUnavailable and sqlite3.Error."""
        while self._step() == BATCH:
            pass

    def newest(self) -> int:
        """The log's newest position. Raises StoreUnavailable."""
        return self._ledger.head()

    def position(self, of: str | None = None) -> int:
        """Up to where the views are; without a name, the one furthest behind."""
        return min(self._reached.values(), default=0) if of is None else self._reached[of]

    async def wait_for(self, position: int, timeout_s: float, *, of: str | None = None) -> bool:
        """True as soon as the views (or the one named) have come to this position, False when time is up."""
        if self.position(of) < position:
            self._hurried.set()
        return await self._waiters.wait(position, of, timeout_s)

    def states(self) -> list[State]:
        return [State(name, at, self._stopped.get(name, self._trouble)) for name, at in self._reached.items()]

    def rebuild(self, name: str) -> None:
        """From zero, beside the live one, then swapped in.

        Raises NotRebuilt, and KeyError when there is none of that name; the live one then stays as it is.
        """
        projection = {found.name: found for found in self._projections}[name]
        path = self._views.path.with_name(f"{self._views.path.name}.{name}")
        with self._rebuilding:
            delete(path)
            try:
                with closing(Views(path)) as beside:
                    self._swap_in(Runner(self._ledger, beside, [projection]), path)
            finally:
                delete(path)
        self._waiters.release()

    def _swap_in(self, again: Runner, path: Path) -> None:
        again.catch_up()
        # The last events with the live one standing still, so that it never goes back.
        with self._views.alone():
            again.catch_up()
            ((name, position, error),) = again.states()
            if error is not None:
                raise NotRebuilt(f"{name}: {error}")
            self._views.adopt(path)
            self._stopped.pop(name, None)
            self._reached = {**self._reached, name: position}

    def _prepared(self) -> dict[str, int]:
        self._views.prepare(self._projections)
        with self._views.reading() as connection:
            reached = positions(connection)
        if max(reached.values(), default=0) > self._ledger.head():
            # Views of another log: this one was restored or replaced.
            log.warning("views_ahead_of_log", positions=reached)
            self._views.start_over()
            if self._checkpoints is not None:
                self._checkpoints.forget()
            self._views.prepare(self._projections)
            reached = {}
        return {
            projection.name: reached.get(projection.name, 0) or self._begun(projection)
            for projection in self._projections
        }

    def _begun(self, projection: Projection) -> int:
        with self._views.writing() as connection:
            position = begun(self._ledger, projection, connection)
            move(connection, projection.name, position)
        return position

    def _run(self) -> None:
        while True:
            # Before the look at what there is to do: what comes after it sets them again.
            self._woken.clear()
            self._hurried.clear()
            if self._stopping.is_set():
                return
            read = self._tried()
            if read < BATCH:
                # A lone event never waits for this, and nobody who waits for a position does.
                self._hurried.wait(POLL_S if self._trouble else min(REST_S + read * REST_S_PER_EVENT, REST_S_MAX))
                self._woken.wait(POLL_S)

    def _tried(self) -> int:
        try:
            return self._step()
        except Exception as error:  # noqa: BLE001  whatever it is, this thread must be there when it is over
            if self._trouble is None:
                log.warning("projections_held_up", reason=repr(error), position=self.position())
            self._trouble = repr(error)
            return 0

    def _step(self) -> int:
        """One batch for all; how many events it had."""
        running = [projection for projection in self._projections if projection.name not in self._stopped]
        if not running:
            return 0
        stopped = {}
        with self._views.alone():
            with self._views.writing() as connection:
                reached = positions(connection)
                after = min(reached[projection.name] for projection in running)
                batch = self._ledger.read(after, BATCH)
                for projection in running if batch else ():
                    at = reached[projection.name]
                    unseen = batch if at == after else [recorded for recorded in batch if recorded.position > at]
                    reached[projection.name], poison = fold(projection, unseen, at, connection)
                    if poison is not None:
                        stopped[projection.name] = poison
                    move(connection, projection.name, reached[projection.name])
            # Only now is it true, and only here can no rebuild come in between.
            self._stopped |= stopped
            self._reached = {name: reached[name] for name in self._reached}
            self._trouble = None
            if batch:
                self._keep_checkpoint(batch[-1])
        self._waiters.release()
        return len(batch)

    def _keep_checkpoint(self, newest: Recorded) -> None:
        if self._checkpoints is None or not self._checkpoints.is_due(newest.position):
            return
        try:
            self._checkpoints.keep(self._views, newest.position, newest.event.occurred_at)
        except (sqlite3.Error, OSError) as error:
            # Without it a question about the past takes longer; the views go on.
            log.warning("checkpoint_not_kept", position=newest.position, reason=repr(error))
