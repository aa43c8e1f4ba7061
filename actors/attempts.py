"""One command's attempts: from its dispatch to Telegram's answer, and what follows from a failure."""

from __future__ import annotations

from collections.abc import Callable

from actors import endings
from actors.endings import Ending
from actors.guards import Guards
from actors.life import Life
from actors.mail import Answered, StartRecorded
from actors.ports import Ports
from actors.slot import Slot, Stage, Ticket
from domain.errors import StoreError
from domain.failure import Answer, Category, Delivered, Failure, Final, code_of
from domain.rules.lanes import Lanes

LATE_START_S = 0.25
"""What was dispatched longer ago passes the gates again: after a stall of the store all would leave at once."""


class Attempts:
    __slots__ = ("_ends", "_guards", "_lanes", "_life", "_on_unauthorized", "_ports", "_slot", "in_flight")

    def __init__(
        self,
        life: Life,
        slot: Slot,
        ports: Ports,
        guards: Guards,
        lanes: Lanes[Ticket],
        ends: Ending,
        on_unauthorized: Callable[[], None],
    ) -> None:
        self._life, self._slot, self._ports = life, slot, ports
        self._guards, self._lanes, self._ends = guards, lanes, ends
        self._on_unauthorized = on_unauthorized
        self.in_flight = 0
        """Commands on their way to Telegram, or about to be."""

    def dispatch(self, ticket: Ticket, now: float) -> None:
        self._guards.dispatched(ticket, now)
        self.in_flight += 1
        # A durable one outlives the process, and what may have been executed must never end as not sent.
        if ticket.is_open or (ticket.method.repeatable and not ticket.is_durable):
            self._call(ticket, now)
            return
        ticket.stage, ticket.left_at = Stage.STARTING, now
        slot, started = self._slot, endings.started(ticket, self._ports.clock.utc())
        self._ports.journal.note(started, lambda result: slot.tell(StartRecorded(ticket, result)), ticket.stream)

    def start_recorded(self, ticket: Ticket, result: int | StoreError) -> bool:
        """Whether the call is out now; if not, there is room for another."""
        now = self._ports.clock.steady()
        is_too_late = now >= ticket.leaves_by
        if isinstance(result, int):
            ticket.is_open = True
            is_in_time = not is_too_late and now - ticket.left_at <= LATE_START_S
            if is_in_time and self._guards.still_open_for(ticket, now):
                self._call(ticket, now)
                return True
        self.in_flight -= 1
        self._guards.returned(ticket)
        if isinstance(result, StoreError) or is_too_late:
            self._lanes.free(ticket.lane)
            late_for_disk = isinstance(result, StoreError) or ticket.replied
            code = "store_unavailable" if late_for_disk else "deadline_exceeded"
            self._ends(ticket, Final.NOT_SENT, code)
        else:
            ticket.stage = Stage.WAITING
            self._lanes.come_back(ticket, now)
        return False

    def _call(self, ticket: Ticket, now: float) -> None:
        if ticket.queued_s is None:
            ticket.queued_s = now - ticket.arrived
        # Should the call itself fail, the next incarnation finds a ticket that waits and not one that is out.
        ticket.stage, ticket.left_at = Stage.WAITING, now
        slot = self._slot
        self._ports.telegram.call(
            self._life.owned_token,
            ticket.method.name,
            ticket.parameters,
            self._guards.time_for(ticket, now),
            lambda answer: slot.tell(Answered(ticket, answer)),
        )
        ticket.stage = Stage.CALLING
        ticket.attempts += 1

    def answered(self, ticket: Ticket, answer: Answer) -> None:
        now = self._ports.clock.steady()
        ticket.telegram_s = now - ticket.left_at
        self.in_flight -= 1
        if isinstance(answer, Failure) and not ticket.was_done_before(answer):
            self._failed(ticket, answer, now)
        else:
            self._guards.worked(ticket, now)
            self._lanes.free(ticket.lane)
            self._ends(ticket, Final.DELIVERED, "", result=answer.result if isinstance(answer, Delivered) else b"true")

    def _failed(self, ticket: Ticket, failure: Failure, now: float) -> None:
        ticket.failure = failure
        ticket.maybe_executed = ticket.maybe_executed or not failure.certain
        self._guards.rate_limited(ticket, failure, now)
        again = self._guards.next_attempt(ticket, failure, now)
        again_at = self._ports.utc_of(again.not_before + failure.retry_after_s) if again else None
        strategy = self._guards.strategy_of(failure)
        failed = endings.attempt_failed(ticket, failure, again_at, strategy, self._ports.clock.utc())
        self._ports.journal.note(failed, stream=ticket.stream)
        if again is not None:
            ticket.goes_again(failure)
            self._guards.returned(ticket)
            if again.not_before > now:
                ticket.began_waiting("retry", self._ports.clock.utc(), again_at)
            # Suspended or removed meanwhile, it ends now.
            self._lanes.come_back(ticket, again.not_before if self._guards.barred(ticket) is None else now)
            return
        self._guards.failed_for_good(ticket, failure, now)
        self._lanes.free(ticket.lane)
        code = code_of(failure.final, failure.category)
        self._ends(ticket, failure.final, code, retry_after_s=failure.retry_after_s or None)
        if failure.category is Category.UNAUTHORIZED:
            self._on_unauthorized()

    def give_up(self, ticket: Ticket, now: float) -> None:
        """Telegram's answer is overdue, and nothing has told that it will not come."""
        self.in_flight -= 1
        failure = ticket.is_lost()
        self._guards.failed_for_good(ticket, failure, now)
        self._lanes.free(ticket.lane)
        self._ends(ticket, failure.final, code_of(failure.final, failure.category))
