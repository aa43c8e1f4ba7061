"""The commands of one bot, from their arrival to their one outcome.

A command passes every gate before each attempt (status, breaker, holds, pace, in-flight bound, a place in the journal,
the fleet's permit). A method that is not repeatable is recorded as started before its first attempt, so nothing leaves
without a trace; its outcome is recorded before its caller is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from actors import endings
from actors.alarm import Alarm
from actors.deadlines import Deadlines
from actors.guards import Guards, Policy
from actors.lanes import Lanes
from actors.life import Life
from actors.mail import TICK, Answered, StartRecorded
from actors.permits import Permits
from actors.ports import Ports
from actors.slot import Slot, Stage, Ticket
from domain.errors import StoreError
from domain.failure import Answer, Category, Delivered, Failure, Final, code_of
from domain.rules import gates

GRACE_S = 5.0  # after a command's deadline: then what is late is late for good


class Traffic:
    __slots__ = (
        "_alarm",
        "_deadlines",
        "_ends",
        "_guards",
        "_has_permit",
        "_in_flight",
        "_is_stopping",
        "_lanes",
        "_life",
        "_on_unauthorized",
        "_permits",
        "_ports",
        "_slot",
    )

    def __init__(
        self,
        life: Life,
        slot: Slot,
        ports: Ports,
        permits: Permits,
        policy: Policy,
        on_unauthorized: Callable[[], None],
    ) -> None:
        self._life, self._slot, self._ports, self._permits = life, slot, ports, permits
        self._on_unauthorized = on_unauthorized
        self._ends = partial(endings.end, slot, ports)
        self._guards = Guards(life, slot, ports, policy)
        self._alarm = Alarm(ports.timers, lambda: slot.tell(TICK))
        self._lanes = Lanes()
        self._deadlines = Deadlines()
        self._in_flight = 0
        self._has_permit = False
        self._is_stopping = False

    def adopt(self) -> None:
        """Takes over what a predecessor left in the slot."""
        for ticket in list((self._slot.tickets or {}).values()):
            self._deadlines.add(ticket, ticket.deadline)
            ticket.keeper = self
            if ticket.stage is Stage.WAITING:
                self._lanes.join(ticket)
            elif ticket.stage is not Stage.RECORDING:
                self._lanes.busy(ticket.lane)
                self._in_flight += 1
        self.pump()

    def arrived(self, ticket: Ticket) -> None:
        if ticket.keeper is self:
            return  # adopted before its message came
        ticket.keeper = self
        self._slot.used_at = ticket.arrived
        self._deadlines.add(ticket, ticket.deadline)
        self._lanes.join(ticket)
        self.pump()

    def permitted(self) -> None:
        self._has_permit = True
        self.pump()

    def ticked(self) -> None:
        self._alarm.went_off()
        self.pump()

    def stop_waiting(self) -> None:
        for ticket in list((self._slot.tickets or {}).values()):
            if ticket.stage is Stage.WAITING:
                self._lanes.remove(ticket)
                self._ends(ticket, Final.NOT_SENT, "shutting_down", retry_after_s=2.0)
        self._is_stopping = True

    def stop(self) -> None:
        self._alarm.cancel()

    def pump(self) -> None:
        """Lets leave whatever may leave now, and sets the timer for the rest."""
        now = self._ports.clock.steady()
        for ticket in self._deadlines.passed(now):
            self._late(ticket, now)
        if self._is_stopping:
            self.stop_waiting()
        self._lanes.wake(now)
        bot_until = self._let_go(now)
        if self._has_permit:
            self._has_permit = False
            self._permits.give_back()
        self._deadlines.forget_done(self._slot.open_commands)
        self._alarm.set(min(bot_until, self._lanes.next_wake(), self._deadlines.next()))

    def _let_go(self, now: float) -> float:
        """Returns until when the whole bot has to wait; infinity: not for a time."""
        while (ticket := self._lanes.head()) is not None:
            obstacle = self._guards.obstacle(ticket, self._in_flight, now)
            if isinstance(obstacle, gates.Refuse):
                self._refuse_head(ticket, obstacle.code, obstacle.retry_after_s)
            elif isinstance(obstacle, gates.Stay):
                until = self._ports.utc_of(obstacle.until) if obstacle.until < math.inf else None
                ticket.began_waiting(obstacle.because, self._ports.clock.utc(), until)
                if obstacle.whole_bot:
                    return obstacle.until
                self._lanes.head_sleeps(obstacle.until)
            elif not self._has_place(ticket):
                self._refuse_head(ticket, "store_unavailable", 1.0)
            elif not self._has_fleet_permit(ticket):
                ticket.began_waiting("fleet", self._ports.clock.utc(), None)
                break
            else:
                self._lanes.head_leaves()
                self._dispatch(ticket, now)
        return math.inf

    def _refuse_head(self, ticket: Ticket, code: str, retry_after_s: float | None) -> None:
        self._lanes.head_ends()
        self._ends(ticket, Final.NOT_SENT, code, retry_after_s=retry_after_s)

    def _has_place(self, ticket: Ticket) -> bool:
        """What is sent can always be recorded: its outcome has a place in the journal before it leaves."""
        ticket.has_place = ticket.has_place or self._ports.journal.reserve()
        return ticket.has_place

    def _has_fleet_permit(self, ticket: Ticket) -> bool:
        has, self._has_permit = self._has_permit, False
        return has or self._permits.take(self._slot, ticket.command.tenant_id)

    def _dispatch(self, ticket: Ticket, now: float) -> None:
        self._guards.dispatched(ticket, now)
        self._in_flight += 1
        if ticket.method.repeatable or ticket.is_open:
            self._call(ticket, now)
            return
        ticket.stage = Stage.STARTING
        slot, started = self._slot, endings.started(ticket, self._ports.clock.utc())
        self._ports.journal.note(started, lambda result: slot.tell(StartRecorded(ticket, result)))

    def start_recorded(self, ticket: Ticket, result: int | StoreError) -> None:
        now = self._ports.clock.steady()
        if isinstance(result, int):
            ticket.is_open = True
            if now < ticket.deadline and self._guards.still_open_for(ticket, now):
                self._call(ticket, now)
                return
        self._in_flight -= 1
        self._guards.returned(ticket)
        if isinstance(result, StoreError) or now >= ticket.deadline:
            self._lanes.free(ticket.lane)
            self._ends(
                ticket, Final.NOT_SENT, "store_unavailable" if isinstance(result, StoreError) else "deadline_exceeded"
            )
        else:
            ticket.stage = Stage.WAITING
            self._lanes.come_back(ticket, now)
        self.pump()

    def _call(self, ticket: Ticket, now: float) -> None:
        if ticket.queued_s is None:
            ticket.queued_s = now - ticket.arrived
        ticket.stage, ticket.left_at = Stage.CALLING, now
        ticket.attempts += 1
        slot = self._slot
        self._ports.telegram.call(
            self._life.owned_token,
            ticket.method.name,
            ticket.parameters,
            self._guards.time_for(ticket, now),
            lambda answer: slot.tell(Answered(ticket, answer)),
        )

    def answered(self, ticket: Ticket, answer: Answer) -> None:
        if ticket.stage is not Stage.CALLING:
            return  # given up as lost before
        now = self._ports.clock.steady()
        ticket.telegram_s = now - ticket.left_at
        self._in_flight -= 1
        if isinstance(answer, Failure) and not ticket.was_done_before(answer):
            self._failed(ticket, answer, now)
        else:
            self._guards.worked(ticket, now)
            self._lanes.free(ticket.lane)
            self._ends(ticket, Final.DELIVERED, "", result=answer.result if isinstance(answer, Delivered) else b"true")
        self.pump()

    def _failed(self, ticket: Ticket, failure: Failure, now: float) -> None:
        ticket.failure = failure
        ticket.maybe_executed = ticket.maybe_executed or not failure.certain
        self._guards.rate_limited(ticket, failure, now)
        again = self._guards.next_attempt(ticket, failure, now)
        again_at = self._ports.utc_of(again.not_before) if again else None
        self._ports.journal.note(endings.attempt_failed(ticket, failure, again_at, self._ports.clock.utc()))
        if again is not None:
            ticket.goes_again(failure)
            self._guards.returned(ticket)
            if again.not_before > now:
                ticket.began_waiting("retry", self._ports.clock.utc(), again_at)
            self._lanes.come_back(ticket, again.not_before)
            return
        self._guards.failed_for_good(ticket, failure, now)
        self._lanes.free(ticket.lane)
        code = code_of(failure.final, failure.category)
        self._ends(ticket, failure.final, code, retry_after_s=failure.retry_after_s or None)
        if failure.category is Category.UNAUTHORIZED:
            self._on_unauthorized()

    def _late(self, ticket: Ticket, now: float) -> None:
        match ticket.stage:
            case Stage.WAITING:
                self._lanes.remove(ticket)
                self._ends(ticket, Final.NOT_SENT, "deadline_exceeded")
            case Stage.STARTING:
                # Nothing was sent, and `start_recorded` will see that it is too late to.
                ticket.answered(endings.outcome_of(ticket, Final.NOT_SENT, "store_unavailable", now, retry_after_s=1.0))
            case Stage.RECORDING:
                ticket.answered(endings.unrecorded(ticket))
            case _ if now < ticket.deadline + GRACE_S:
                self._deadlines.add(ticket, ticket.deadline + GRACE_S)
            case _:
                self._in_flight -= 1
                ticket.is_lost()
                self._lanes.free(ticket.lane)
                self._ends(ticket, Final.UNCERTAIN, code_of(Final.UNCERTAIN, None))
