"""What a running gateway looks after in its store: that it still owns it, and that the days ahead have room."""

from __future__ import annotations

import asyncio
import threading
from datetime import date, timedelta

import structlog

from actors.ports import Clock
from domain.errors import AlreadyOwned, StoreError
from domain.store.store import Owner, Store

CHECK_S = 1.0
PREPARE_S = 3600.0
PREPARE_AGAIN_S = 60.0
"""After it failed."""
DAYS_WANTED = 2
JOIN_S = 1.0

log = structlog.get_logger(__name__)


class FleetFailed(Exception):
    """Its text says what of it."""


class Steward:
    """A thread of its own: a database that hangs must hold up nobody else."""

    def __init__(self, owner: Owner, store: Store, clock: Clock) -> None:
        """Raises StoreUnavailable."""
        self.lost: asyncio.Future[AlreadyOwned | FleetFailed] = asyncio.get_running_loop().create_future()
        """Done when another process has the database, or something has failed that cannot be started again."""
        self._owner, self._store, self._clock = owner, store, clock
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._is_away = False
        self._prepare_at = 0.0
        self._until = store.room_until(clock.utc().date())
        self._prepare()
        # A daemon: whatever the database does, the process can end.
        self._thread = threading.Thread(target=self._run, name="steward", daemon=True)
        self._thread.start()

    def troubles(self) -> list[str]:
        """For readiness."""
        today = self._clock.utc().date()
        if self._until is None or self._until - today >= timedelta(days=DAYS_WANTED):
            return []
        return [f"the event store has partitions for fewer than {DAYS_WANTED} days ahead"]

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        while not self._stopping.wait(CHECK_S):
            try:
                self._owner.check()
            except AlreadyOwned as error:
                self._loop.call_soon_threadsafe(self._told, error)
                return
            except StoreError as error:
                self._said_once(error)
                continue
            self._is_away = False
            if self._clock.steady() >= self._prepare_at:
                self._prepare()

    def failed(self, sentence: str) -> None:
        self._told(FleetFailed(sentence))

    def _told(self, error: AlreadyOwned | FleetFailed) -> None:
        if not self.lost.done():
            self.lost.set_result(error)

    def _said_once(self, error: StoreError) -> None:
        if not self._is_away:
            log.warning("ownership_unknown", reason=str(error))
        self._is_away = True

    def _prepare(self) -> None:
        today, wait_s = self._clock.utc().date(), PREPARE_S
        try:
            self._store.prepare(today)
        except StoreError as error:
            log.warning("partitions_not_made", reason=str(error))
            wait_s = PREPARE_AGAIN_S
        self._prepare_at = self._clock.steady() + wait_s
        self._until = self._known_room(today)

    def _known_room(self, today: date) -> date | None:
        try:
            return self._store.room_until(today)
        except StoreError:
            return self._until
