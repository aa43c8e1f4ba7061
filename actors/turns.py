"""One method's limit over the whole fleet: whose turn it is.

Waiting takes nothing: a dispatch does, and the next turn comes one interval after it. One command at a time has the
turn, and it alone is told, so however many wait, one of them wakes. Tenants take turns in weighted rounds, and within a
tenant the first come goes first: a tenant's command waits for one round of the others for each one of its own before
it, and nobody who comes later overtakes it.

Whoever has the turn may still have to wait for a place of its own bot, or for the fleet's permit. A turn that comes to
nothing is passed on: at once where that is known, else when it has been out for `TURN_S`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from actors.moments import Moments
from actors.ports import Clock, SharedPace, Timer, Timers
from actors.slot import Slot, Ticket
from domain.rules.fairness import Rounds

TURN_S = 2.0


class Turn:
    """Told to a bot: this command of its may leave before all others."""

    __slots__ = ("ticket",)

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket


class Turns:
    def __init__(
        self,
        method: str,
        rps: float,
        clock: Clock,
        timers: Timers,
        weight_of: Callable[[str], int],
        waits_for_fleet: Callable[[Slot], bool],
        shared: SharedPace | None = None,
    ) -> None:
        self.rps = rps
        self._moments = Moments(f"method:{method}", rps, clock, timers, self._called, shared)
        self._clock, self._timers = clock, timers
        self._weight_of, self._waits_for_fleet = weight_of, waits_for_fleet
        self._line: Rounds[Ticket] = Rounds()
        self._slots: dict[Ticket, Slot] = {}
        self._turn: tuple[Ticket, Slot, Timer] | None = None

    def __len__(self) -> int:
        return len(self._slots) + (self._turn is not None)

    def has_turn(self, ticket: Ticket) -> bool:
        return self._turn is not None and self._turn[0] is ticket

    def is_open(self, ticket: Ticket) -> bool:
        """Whether it may leave now; asking takes nothing."""
        if self._turn is not None:
            return self._turn[0] is ticket
        return not self._line and self._moments.is_now()

    def not_before(self, ticket: Ticket) -> float:
        """The earliest moment at which one that is not open can be: those of its own tenant go first."""
        ahead = self._line.waiting(ticket.command.tenant_id) - (ticket in self._slots) + (self._turn is not None)
        return max(self._moments.next_at, self._clock.steady()) + max(ahead, 0) * self._moments.interval_s

    def wait(self, slot: Slot, ticket: Ticket) -> None:
        """The slot is told when it is its turn."""
        tenant_id = ticket.command.tenant_id
        self._slots[ticket] = slot
        self._line.join(tenant_id, ticket, self._weight_of(tenant_id))
        self._next()

    def leave(self, ticket: Ticket) -> None:
        """It will not go, or not soon."""
        if self.has_turn(ticket):
            self._pass_on()
        elif self._slots.pop(ticket, None) is not None:
            self._line.leave(ticket.command.tenant_id, ticket)

    def went(self, ticket: Ticket) -> None:
        self._moments.passed()
        if self.has_turn(ticket):
            self._end_turn()
        self._next()

    def _next(self) -> None:
        if self._turn is None and self._line:
            self._moments.wait()

    def _called(self) -> None:
        while self._turn is None and self._line:
            ticket = self._line.next()
            slot = self._slots.pop(ticket)
            # One whose actor has failed joins again when it is back.
            if slot.is_awake:
                self._turn = (ticket, slot, self._look_later(ticket))
                slot.tell(Turn(ticket))

    def _look_later(self, ticket: Ticket) -> Timer:
        return self._timers.at(self._clock.steady() + TURN_S, partial(self._look, ticket))

    def _look(self, ticket: Ticket) -> None:
        if self._turn is None or self._turn[0] is not ticket:
            return
        slot = self._turn[1]
        if slot.is_awake and self._waits_for_fleet(slot):
            # That line moves: its turn there comes, and it would be a pity to have waited for both in vain.
            self._turn = (ticket, slot, self._look_later(ticket))
        else:
            self._pass_on()

    def _pass_on(self) -> None:
        self._end_turn()
        self._moments.not_used()
        self._next()

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn[2].cancel()
            self._turn = None
