"""The fleet's permits with somebody looking on: who waits, who was granted one, how far apart dispatches are.

A grant that comes out of its method's line goes past the rounds, and is no turn in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

from actors.permits import Permit, Permits
from actors.ports import Clock
from actors.slot import Slot, Ticket
from tests.simulation.loop import VirtualLoop
from tests.simulation.plan import Plan

A_MOMENT_S = 1e-9
FLEET = "fleet"


class FleetModel:
    def __init__(self, plan: Plan) -> None:
        self._weights = plan.weights
        limits = {FLEET: plan.fleet_rps, **plan.method_rps}
        self._interval_s = {name: 1 / rps for name, rps in limits.items() if rps}
        self.wrong: list[str] = []
        self.restarted()

    def restarted(self) -> None:
        self._not_before: dict[str, float] = {}
        self._last_went_past = False
        self._waiting: dict[str, set[int]] = {}
        self._went: dict[str, Counter[str]] = {}

    def waits(self, tenant_id: str, bot_id: int) -> None:
        self._waiting.setdefault(tenant_id, set()).add(bot_id)
        self._went.setdefault(tenant_id, Counter())

    def granted_past_the_rounds(self, tenant_id: str) -> None:
        if self._last_went_past and self._waiting:
            self.wrong.append(f"{tenant_id} is the second in a row to pass {sorted(self._waiting)}")
        self._last_went_past = True

    def granted(self, tenant_id: str, bot_id: int) -> None:
        for waiting, went in self._went.items():
            went[tenant_id] += 1
            if waiting != tenant_id and went[tenant_id] > self._weights.get(tenant_id, 1):
                self.wrong.append(f"{tenant_id} is granted too often in a round in which {waiting} waits")
        self.leaves(tenant_id, bot_id)

    def leaves(self, tenant_id: str, bot_id: int) -> None:
        """It had its turn, with an actor or without."""
        self._last_went_past = False
        if tenant_id not in self._waiting:
            self.wrong.append(f"{tenant_id} has a turn and does not wait for one")
            return
        self._waiting[tenant_id].discard(bot_id)
        if self._waiting[tenant_id]:
            self._went[tenant_id].clear()
        else:
            del self._waiting[tenant_id], self._went[tenant_id]

    def dispatched(self, command_id: str, method: str, now: float) -> Iterator[str]:
        for limit in self._interval_s.keys() & {FLEET, method}:
            early_s = self._not_before.get(limit, 0.0) - now
            if early_s > A_MOMENT_S:
                yield f"{command_id} is dispatched {early_s:.4f} s before the {limit}'s pace allows it"
            self._not_before[limit] = now + self._interval_s[limit]


class Turn:
    """In the rounds in the place of a slot."""

    def __init__(self, slot: Slot, tenant_id: str, fleet: FleetModel) -> None:
        self._slot, self._tenant_id, self._fleet = slot, tenant_id, fleet

    def __eq__(self, other: object) -> bool:
        return other is self._slot or (isinstance(other, Turn) and other._slot is self._slot)

    def __hash__(self) -> int:
        return hash(self._slot)

    @property
    def is_awake(self) -> bool:
        if not self._slot.is_awake:
            self._fleet.leaves(self._tenant_id, self._slot.bot_id)
        return self._slot.is_awake

    def tell(self, message: object) -> None:
        if isinstance(message, Permit):
            self._fleet.granted(self._tenant_id, self._slot.bot_id)
        self._slot.tell(message)


class PastTheRounds(Turn):
    """Of a command that has waited in its method's line."""

    @property
    def is_awake(self) -> bool:
        return self._slot.is_awake

    def tell(self, message: object) -> None:
        self._fleet.granted_past_the_rounds(self._tenant_id)
        self._slot.tell(message)


class WatchedPermits(Permits):
    def __init__(self, plan: Plan, clock: Clock, loop: VirtualLoop, chance: Random, fleet: FleetModel) -> None:
        shared = FarPace(clock, loop, chance) if plan.shared else None
        super().__init__(
            plan.fleet_rps,
            clock,
            loop,
            method_rps=plan.method_rps,
            weight_of=lambda tenant_id: plan.weights.get(tenant_id, 1),
            shared=shared,
        )
        self._fleet = fleet
        self._turns: dict[tuple[int, str], Turn] = {}

    def take(self, slot: Slot, tenant_id: str, ticket: Ticket | None = None) -> bool:
        past = ticket is not None and self._has_turn(ticket)
        turn = self._turns.setdefault((slot.bot_id, tenant_id), Turn(slot, tenant_id, self._fleet))
        who = PastTheRounds(slot, tenant_id, self._fleet) if past else turn
        has = super().take(who, tenant_id, ticket)  # type: ignore[arg-type]  # all it does is tell it
        if not (has or past):
            self._fleet.waits(tenant_id, slot.bot_id)
        return has


class FarPace:
    """What several processes would share, with others that take some of it; at times it is away."""

    storage = "far away"
    is_shared = True

    def __init__(self, clock: Clock, loop: VirtualLoop, chance: Random) -> None:
        self._clock, self._loop, self._chance = clock, loop, chance
        self._next: dict[str, float] = {}

    def reserve(self, name: str, interval_s: float, then: Callable[[float], None]) -> None:
        takes_s = 0.25 if self._chance.random() < 0.02 else self._chance.uniform(0.0005, 0.01)
        at = max(self._clock.steady(), self._next.get(name, 0.0))
        self._next[name] = at + interval_s * self._chance.choice((1, 1, 1, 2))
        self._loop.at(self._clock.steady() + takes_s, lambda: then(at))
