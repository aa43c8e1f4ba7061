"""Commands that wait and will not have their turn: taken back, not to be sent by this bot any more, met by a stop."""

from __future__ import annotations

from collections.abc import Callable

from actors import endings
from actors.endings import Ending
from actors.guards import Guards
from actors.permits import Permits
from actors.slot import Slot, Stage, Ticket
from domain.failure import Final
from domain.refusal import Refused
from domain.rules.lanes import Lanes

NOT_CANCELLABLE = Refused(
    "not_cancellable", "It is on its way already. GET /api/commands/{command_id} tells its outcome."
)


class Withdrawals:
    __slots__ = ("_ends", "_guards", "_lanes", "_permits", "_slot")

    def __init__(self, slot: Slot, permits: Permits, guards: Guards, lanes: Lanes[Ticket], ends: Ending) -> None:
        self._slot, self._permits, self._guards, self._lanes, self._ends = slot, permits, guards, lanes, ends

    def remove(self, ticket: Ticket) -> None:
        self._lanes.remove(ticket)
        self._permits.leave_line(ticket)

    def cancel(self, ticket: Ticket, reply: Callable[[object], None]) -> None:
        """Only a command that waits can be cancelled; whoever waits for it is told the same."""
        if ticket.stage is not Stage.WAITING:
            reply(NOT_CANCELLABLE)
            return
        ticket.also_tell(reply)
        self.remove(ticket)
        self._ends(ticket, Final.NOT_SENT, "cancelled")

    def end_barred(self) -> None:
        """Of a bot that was suspended, removed or taken over: nothing that sleeps has to wake to hear of it."""
        for ticket in self._lanes.waiting():
            barred = self._guards.barred(ticket)
            if barred is not None:
                self.remove(ticket)
                self._ends(ticket, Final.NOT_SENT, barred.code)

    def stop(self) -> None:
        """A durable command stays open in the log, and the next process takes it up.

        But not one whose start is on disk and which may not be repeated: the next one could not know that it has not
        been executed.
        """
        for ticket in list((self._slot.tickets or {}).values()):
            if ticket.stage is not Stage.WAITING:
                continue
            self.remove(ticket)
            if ticket.is_durable and (ticket.repeatable or not ticket.is_open):
                self._slot.closed(ticket)
                ticket.answered(endings.LATER)
            else:
                self._ends(ticket, Final.NOT_SENT, "shutting_down", retry_after_s=2.0)
