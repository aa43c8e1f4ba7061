"""The fleet's own pace, spaced evenly and fair between tenants. Belongs to the supervisor."""

from __future__ import annotations

from actors.ports import Clock, Timer, Timers
from actors.slot import Slot
from domain.rules import retry as retries
from domain.rules.fairness import Rounds


class Permit:
    """Told to a bot: one command may leave now."""


PERMIT = Permit()


class Permits:
    def __init__(self, rps: float, clock: Clock, timers: Timers) -> None:
        """`rps` 0: no limit."""
        self._interval_s = 1 / rps if rps > 0 else 0.0
        self._clock = clock
        self._timers = timers
        self._rounds: Rounds[Slot] = Rounds()
        self._budget = retries.FRESH
        self._next_at = 0.0
        self._timer: Timer | None = None

    def take(self, slot: Slot, tenant_id: str) -> bool:
        """A permit for one command now; False: the slot is told `PERMIT` when it is its turn."""
        if self._interval_s == 0:
            return True
        now = self._clock.steady()
        if not self._rounds and self._timer is None and now >= self._next_at:
            self._next_at = now + self._interval_s
            return True
        self._rounds.join(tenant_id, slot)
        self._wait()
        return False

    def counted(self, *, retry: bool) -> None:
        """One call more of the fleet, or one retry more."""
        self._budget = retries.spent(self._budget, self._clock.steady(), retry=retry)

    def may_retry(self) -> bool:
        """While Telegram is down, retries of many bots must not add up to a flood."""
        return retries.has_room(self._budget, self._clock.steady())

    def give_back(self) -> None:
        """It was not used: the next in the round may have it at once."""
        self._next_at = self._clock.steady()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wait()

    def _wait(self) -> None:
        if self._timer is None and self._rounds:
            self._timer = self._timers.at(self._next_at, self._grant)

    def _grant(self) -> None:
        self._timer = None
        if not self._rounds:
            return
        # From now, not from when it was due: a late timer must not lead to two close together.
        self._next_at = self._clock.steady() + self._interval_s
        while self._rounds:
            slot = self._rounds.next()
            # One whose actor has failed asks again when it is back; a permit kept for it would come too late.
            if slot.is_awake:
                slot.tell(PERMIT)
                break
        self._wait()
