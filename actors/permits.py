"""The fleet's own pace, spaced evenly and fair between tenants. Belongs to the supervisor."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actors.messages import Limits, MethodLimit
from actors.moments import Moments
from actors.ports import Clock, SharedPace, Timers
from actors.slot import Slot, Ticket
from actors.turns import Turns
from domain.rules import retry as retries
from domain.rules.fairness import Rounds
from domain.tenant import WEIGHT


class Permit:
    """Told to a bot: one command may leave now."""


PERMIT = Permit()


class Permits:
    def __init__(
        self,
        rps: float,
        clock: Clock,
        timers: Timers,
        *,
        method_rps: Mapping[str, float] | None = None,
        weight_of: Callable[[str], int] = lambda _: WEIGHT,
        shared: SharedPace | None = None,
    ) -> None:
        """`rps` 0: no limit. `shared` None: the limits are this process's alone."""
        self._rps = rps
        self._moments = Moments("fleet", rps, clock, timers, self._grant, shared) if rps > 0 else None
        self._clock = clock
        self._weight_of = weight_of
        self._shared = shared
        self._rounds: Rounds[Slot] = Rounds()
        self._budget = retries.FRESH
        self._methods = {
            method: Turns(method, own, clock, timers, weight_of, self._rounds.is_ahead, shared)
            for method, own in (method_rps or {}).items()
        }

    def take(self, slot: Slot, tenant_id: str, ticket: Ticket | None = None) -> bool:
        """A permit for one command now; False: the slot is told `PERMIT` when it is its turn."""
        if self._moments is None:
            return True
        if not self._rounds and self._moments.is_now():
            self._moments.passed()
            return True
        if ticket is not None and self._has_turn(ticket):
            # It has waited in a line that is as fair, and the others of that line wait for it.
            self._rounds.join_ahead(slot)
        else:
            self._rounds.join(tenant_id, slot, self._weight_of(tenant_id))
        self._moments.wait()
        return False

    def counted(self, *, retry: bool) -> None:
        """One call more of the fleet, or one retry more."""
        self._budget = retries.spent(self._budget, self._clock.steady(), retry=retry)

    def may_retry(self) -> bool:
        """While Telegram is down, retries of many bots must not add up to a flood."""
        return retries.has_room(self._budget, self._clock.steady())

    def give_back(self) -> None:
        """It was not used: the next in the round may have it at once."""
        if self._moments is not None:
            self._moments.not_used()
            if self._rounds:
                self._moments.wait()

    def method_closed_until(self, ticket: Ticket) -> float | None:
        """The earliest time at which its method's limit can let this command go; None: now."""
        turns = self._methods.get(ticket.method.name)
        return None if turns is None or turns.is_open(ticket) else turns.not_before(ticket)

    def wait_for_turn(self, slot: Slot, ticket: Ticket) -> None:
        """The slot is told `Turn` when its method's limit lets this command go."""
        self._methods[ticket.method.name].wait(slot, ticket)

    def leave_line(self, ticket: Ticket) -> None:
        turns = self._methods.get(ticket.method.name)
        if turns is not None:
            turns.leave(ticket)

    def went(self, ticket: Ticket) -> None:
        """It is dispatched, and has taken what its method's limit has."""
        turns = self._methods.get(ticket.method.name)
        if turns is not None:
            turns.went(ticket)

    def described(self) -> Limits:
        return Limits(
            fleet_rps=self._rps,
            waiting=len(self._rounds),
            methods=tuple(MethodLimit(method, turns.rps, len(turns)) for method, turns in self._methods.items()),
            storage="memory" if self._shared is None else self._shared.storage,
            shared=self._shared is not None and self._shared.is_shared,
        )

    def _has_turn(self, ticket: Ticket) -> bool:
        turns = self._methods.get(ticket.method.name)
        return turns is not None and turns.has_turn(ticket)

    def _grant(self) -> None:
        if self._moments is None or not self._rounds:
            return
        self._moments.passed()
        while self._rounds:
            slot = self._rounds.next()
            # One whose actor has failed asks again when it is back; a permit kept for it would come too late.
            if slot.is_awake:
                slot.tell(PERMIT)
                break
        if self._rounds:
            self._moments.wait()
