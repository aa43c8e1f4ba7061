"""The hand on the projections: how far each lags behind the log, and a rebuild on a thread of its own.

A rebuild goes on beside everything else. There is one at a time, so that two do not share a core that commands need.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec
import structlog

from domain.errors import StoreError
from domain.events import ProjectionEventSkipped
from domain.store.ledger import Ledger
from projections.runner import NotRebuilt, Runner
from projections.state import Pause, State, Stop

log = structlog.get_logger(__name__)


class Clock(Protocol):
    def utc(self) -> datetime: ...

    def steady(self) -> float: ...


class Phase(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    REBUILDING = "rebuilding"


class Lag(msgspec.Struct, frozen=True):
    lag_s: float | None
    """Age of the oldest event that the view has not seen; None: the log could not be asked."""
    events_behind: int | None
    """How many positions the log is ahead."""


class Status(msgspec.Struct, frozen=True):
    name: str
    position: int
    state: Phase
    lag_s: float | None
    events_behind: int | None
    error: Stop | None
    paused: Pause | None
    skipped: tuple[ProjectionEventSkipped, ...]


class Rebuild(msgspec.Struct, frozen=True):
    """The one that runs, or else the last one."""

    name: str
    state: str
    """`running`, `done` or `failed`."""
    done: int
    total: int
    rate_per_s: float
    error: Stop | None = None


class RebuildRuns(Exception):
    """One at a time."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class _Ending(Exception):
    """The process stops, and a rebuild with it."""


class Control:
    def __init__(self, runner: Runner, ledger: Ledger, clock: Clock) -> None:
        self._runner = runner
        self._ledger = ledger
        self._clock = clock
        self._one = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._began = 0.0
        self._rebuild: Rebuild | None = None

    def statuses(self) -> list[Status]:
        """Asks the log for its end and for one event a view that has not come there. Blocks for so long."""
        states = self._runner.states()
        lags = self._lags({state.position for state in states})
        rebuilding = self._rebuild.name if self._rebuild is not None and self._rebuild.state == "running" else None
        return [_status(state, lags[state.position], is_rebuilding=state.name == rebuilding) for state in states]

    def rebuilding(self) -> Rebuild | None:
        return self._rebuild

    def pause(self, name: str, reason: str, by: str) -> None:
        """Blocks until the batch in hand is done. Raises KeyError and sqlite3.Error, as do the next two."""
        self._runner.pause(name, Pause(reason, by, self._clock.utc()))

    def resume(self, name: str) -> None:
        self._runner.resume(name)

    def obey_skips(self, name: str) -> None:
        """The log has a new decision on what to skip. Raises StoreUnavailable too."""
        self._runner.obey_skips(name)

    def rebuild(self, name: str) -> None:
        """Begins it. Raises RebuildRuns, StoreUnavailable, and KeyError where there is none of that name."""
        total = self._ledger.head()
        with self._one:
            if self._rebuild is not None and self._rebuild.state == "running":
                raise RebuildRuns(self._rebuild.name)
            if name not in {state.name for state in self._runner.states()}:
                raise KeyError(name)
            self._began = self._clock.steady()
            self._rebuild = Rebuild(name, "running", 0, total, 0.0)
            self._thread = threading.Thread(target=self._rebuilt, args=(name,), name="rebuild", daemon=False)
            self._thread.start()

    def close(self) -> None:
        """Ends a rebuild after the batch that it is at; the live view stays."""
        self._is_ending = True
        if self._thread is not None:
            self._thread.join()

    def _rebuilt(self, name: str) -> None:
        try:
            self._runner.rebuild(name, self._come_to)
        except NotRebuilt as error:
            self._now(state="failed", error=error.stop)
        except Exception as error:  # noqa: BLE001  it is shown to whoever wanted it, and the live view goes on
            self._now(state="failed", error=Stop(repr(error)))
        else:
            self._now(state="done")
        log.info("projection_rebuilt", **msgspec.to_builtins(self._rebuild))

    def _come_to(self, position: int) -> None:
        if self._is_ending:
            raise _Ending
        took_s = self._clock.steady() - self._began
        self._now(done=position, rate_per_s=round(position / took_s) if took_s else 0.0)

    def _now(self, **changes: object) -> None:
        found = msgspec.structs.replace(self._rebuild, **changes) if self._rebuild is not None else None
        # The log grows while it is folded.
        self._rebuild = found and msgspec.structs.replace(found, total=max(found.total, found.done))

    def _lags(self, positions: Iterable[int]) -> Mapping[int, Lag]:
        now = self._clock.utc()
        try:
            head = self._ledger.head()
            return {position: self._lag(position, head, now) for position in positions}
        except StoreError:
            return dict.fromkeys(positions, Lag(None, None))

    def _lag(self, position: int, head: int, now: datetime) -> Lag:
        if position >= head:
            return Lag(0.0, 0)
        oldest = self._ledger.time_after(position)
        return Lag(None if oldest is None else max(0.0, (now - oldest).total_seconds()), head - position)


def _status(state: State, lag: Lag, *, is_rebuilding: bool) -> Status:
    if is_rebuilding:
        phase = Phase.REBUILDING
    elif state.paused is not None:
        phase = Phase.PAUSED
    else:
        phase = Phase.RUNNING if state.error is None else Phase.STOPPED
    return Status(
        state.name, state.position, phase, lag.lag_s, lag.events_behind, state.error, state.paused, state.skipped
    )
