"""The fleet's permits with somebody looking on: who waits, who was granted one, how far apart dispatches are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from actors.permits import Permit, Permits
from actors.ports import Clock, Timers
from actors.slot import Slot

A_MOMENT_S = 1e-9


class FleetModel:
    def __init__(self, rps: float) -> None:
        self._interval_s = 1 / rps if rps else 0.0
        self.wrong: list[str] = []
        self.restarted()

    def restarted(self) -> None:
        self._not_before = 0.0
        self._waiting: dict[str, set[int]] = {}
        self._went: dict[str, Counter[str]] = {}

    def waits(self, tenant_id: str, bot_id: int) -> None:
        self._waiting.setdefault(tenant_id, set()).add(bot_id)
        self._went.setdefault(tenant_id, Counter())

    def granted(self, tenant_id: str, bot_id: int) -> None:
        for waiting, went in self._went.items():
            went[tenant_id] += 1
            if waiting != tenant_id and went[tenant_id] > 1:
                self.wrong.append(f"{tenant_id} is granted twice in a round in which {waiting} waits")
        self.leaves(tenant_id, bot_id)

    def leaves(self, tenant_id: str, bot_id: int) -> None:
        """It had its turn, with an actor or without."""
        if tenant_id not in self._waiting:
            self.wrong.append(f"{tenant_id} has a turn and does not wait for one")
            return
        self._waiting[tenant_id].discard(bot_id)
        if self._waiting[tenant_id]:
            self._went[tenant_id].clear()
        else:
            del self._waiting[tenant_id], self._went[tenant_id]

    def dispatched(self, command_id: str, now: float) -> Iterator[str]:
        if now < self._not_before - A_MOMENT_S:
            yield f"{command_id} is dispatched {self._not_before - now:.4f} s before the fleet's pace allows it"
        self._not_before = now + self._interval_s


class Turn:
    """In the rounds in the place of a slot."""

    def __init__(self, slot: Slot, tenant_id: str, fleet: FleetModel) -> None:
        self._slot, self._tenant_id, self._fleet = slot, tenant_id, fleet

    @property
    def is_awake(self) -> bool:
        if not self._slot.is_awake:
            self._fleet.leaves(self._tenant_id, self._slot.bot_id)
        return self._slot.is_awake

    def tell(self, message: object) -> None:
        if isinstance(message, Permit):
            self._fleet.granted(self._tenant_id, self._slot.bot_id)
        self._slot.tell(message)


class WatchedPermits(Permits):
    def __init__(self, rps: float, clock: Clock, timers: Timers, fleet: FleetModel) -> None:
        super().__init__(rps, clock, timers)
        self._fleet = fleet
        self._turns: dict[tuple[int, str], Turn] = {}

    def take(self, slot: Slot, tenant_id: str, *args: Any) -> bool:
        turn = self._turns.setdefault((slot.bot_id, tenant_id), Turn(slot, tenant_id, self._fleet))
        has = super().take(turn, tenant_id, *args)  # type: ignore[arg-type]  # all it does is tell it
        if not has:
            self._fleet.waits(tenant_id, slot.bot_id)
        return has
