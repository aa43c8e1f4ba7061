"""Keeps the views up with the log on a thread of its own, wakes whoever waits for them, and rebuilds one beside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import structlog

from domain.store.ledger import Ledger
from projections.carrier import Carrier
from projections.checkpoints import Checkpoints
from projections.projection import Projection
from projections.state import Pause, State, Stop
from projections.views import Views, delete
from projections.waiting import Waiters

BATCH = 5000
POLL_S = 1.0
"""In case a wake was missed, or trouble is over, or the views' file was taken away."""
REST_S, REST_S_PER_EVENT, REST_S_MAX = 0.008, 0.001, 0.1
"""After a batch, about thirty times as long as it takes: live projecting costs little of a core, in larger batches."""

log = structlog.get_logger(__name__)


class NotRebuilt(Exception):
    """The projection cannot fold one of the log's events."""

    def __init__(self, name: str, stop: Stop) -> None:
        super().__init__(f"{name} stops at position {stop.position}, {stop.topic}: {stop.reason}")
        self.stop = stop


class Runner:
    def __init__(
        self, ledger: Ledger, views: Views, projections: Sequence[Projection], checkpoints: Checkpoints | None = None
    ) -> None:
        """Raises StoreUnavailable when the log cannot be asked for its newest position."""
        self._ledger = ledger
        self._views = views
        self._carrier = Carrier(ledger, views, projections, checkpoints)
        self._trouble: Stop | None = None
        self._woken = threading.Event()
        self._hurried = threading.Event()
        self._stopping = threading.Event()
        self._rebuilding = threading.Lock()
        self._thread: threading.Thread | None = None
        self._waiters = Waiters(self.position)

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="projections", daemon=False)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the batch that it is at."""
        self._stopping.set()
        self._hurry()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """There are new events. Cheap, from any thread."""
        if not self._woken.is_set():
            self._woken.set()

    def catch_up(self, told: Callable[[int], None] = lambda _: None) -> None:
        """Folds all that is there now, in the caller's thread. Raises StoreUnavailable and sqlite3.Error.

        `told` hears after each batch how far all have come; what it raises ends it.
        """
        newest = self.newest()
        while self.position() < newest and self._step():
            told(self.position())

    def checkpoint(self) -> None:
        """Of the views as they are now: questions about this moment are answered from it. Raises StoreUnavailable."""
        self._carrier.checkpoint()

    def newest(self) -> int:
        """The log's newest position. Raises StoreUnavailable."""
        return self._ledger.head()

    def position(self, of: str | None = None) -> int:
        """Up to where the views are; without a name, the one furthest behind."""
        reached = self._carrier.reached
        return min(reached.values(), default=0) if of is None else reached[of]

    async def wait_for(self, position: int, timeout_s: float, *, of: str | None = None) -> bool:
        """True as soon as the views (or the one named) have come to this position, False when time is up.

        Nobody waits for one that stands still.
        """
        behind = [name for name, at in self._carrier.reached.items() if at < position and of in (name, None)]
        if any(map(self._carrier.stands_still, behind)):
            return False
        if behind:
            self._hurried.set()
        return await self._waiters.wait(position, of, timeout_s)

    def states(self) -> list[State]:
        return [msgspec.structs.replace(state, error=state.error or self._trouble) for state in self._carrier.states()]

    def pause(self, name: str, pause: Pause) -> None:
        """After the batch that it is at. Raises KeyError and sqlite3.Error."""
        self._carrier.pause(self._carrier.named(name).name, pause)

    def resume(self, name: str) -> None:
        """Whatever it stands still for: it tries again. Raises KeyError and sqlite3.Error."""
        self._carrier.resume(self._carrier.named(name).name)
        self._hurry()

    def obey_skips(self, name: str) -> None:
        """The log has a new decision on what to skip. Raises KeyError and StoreUnavailable."""
        self._carrier.obey_skips(self._carrier.named(name).name)
        self._hurry()

    def rebuild(self, name: str, told: Callable[[int], None] = lambda _: None) -> None:
        """From zero, beside the live one, then swapped in. `told`: see `catch_up`.

        Raises NotRebuilt, and KeyError when there is none of that name; the live one then stays as it is.
        """
        projection = self._carrier.named(name)
        path = self._views.path.with_name(f"{self._views.path.name}.{name}")
        with self._rebuilding:
            delete(path)
            try:
                with closing(Views(path)) as beside:
                    self._swap_in(Runner(self._ledger, beside, [projection]), path, told)
            finally:
                delete(path)
        self._waiters.release()

    def _swap_in(self, again: Runner, path: Path, told: Callable[[int], None]) -> None:
        again.catch_up(told)
        # The last events with the live one standing still, so that it never goes back.
        with self._views.alone():
            again.catch_up(told)
            (state,) = again.states()
            if state.error is not None:
                raise NotRebuilt(state.name, state.error)
            self._carrier.adopt(path, state)

    def _hurry(self) -> None:
        self._hurried.set()
        self._woken.set()

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
            self._trouble = Stop(repr(error))
            self._carrier.mend(error)
            return 0

    def _step(self) -> int:
        """One batch for all; how many events it had."""
        read = self._carrier.step(BATCH)
        self._trouble = None
        self._waiters.release()
        return read
