"""The commands of one bot, from their arrival to their one outcome.

A command passes every gate before each attempt (status, breaker, holds, pace, in-flight bound, a place in the journal,
the fleet's permit). A method that is not repeatable is recorded as started before its first attempt, so nothing leaves
without a trace; its outcome is recorded before its caller is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from actors import endings
from actors.alarm import Alarm
from actors.attempts import Attempts
from actors.deadlines import Deadlines
from actors.endings import Ending
from actors.guards import Guards, Policy
from actors.life import Life
from actors.mail import TICK
from actors.permits import Permits
from actors.ports import Ports
from actors.slot import Slot, Stage, Ticket
from actors.withdrawals import Withdrawals
from domain import events
from domain.errors import StoreError
from domain.failure import Answer, Final
from domain.rules import gates
from domain.rules.lanes import Lanes

DISK_S = 0.5  # an attempt may end at the deadline itself, and its outcome still needs the disk
GRACE_S = 5.0  # after a command's deadline: then what is late is late for good


class Traffic:
    __slots__ = (
        "_alarm",
        "_attempts",
        "_deadlines",
        "_ends",
        "_guards",
        "_has_permit",
        "_is_listening",
        "_lanes",
        "_permits",
        "_ports",
        "_slot",
        "_withdrawals",
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
        self._slot, self._ports, self._permits = slot, ports, permits
        self._ends = Ending(slot, ports)
        self._guards = Guards(life, slot, ports, permits, policy)
        self._alarm = Alarm(ports.timers, lambda: slot.tell(TICK))
        self._lanes: Lanes[Ticket] = Lanes()
        self._attempts = Attempts(life, slot, ports, self._guards, self._lanes, self._ends, on_unauthorized)
        self._withdrawals = Withdrawals(slot, permits, self._guards, self._lanes, self._ends)
        self._deadlines = Deadlines()
        self._has_permit = False
        self._is_listening = False

    def adopt(self) -> None:
        """Takes over what a predecessor left in the slot."""
        for ticket in list((self._slot.tickets or {}).values()):
            self._deadlines.add(ticket, ticket.deadline)
            ticket.keeper = self
            if ticket.stage is Stage.WAITING:
                self._lanes.join(ticket)
            elif ticket.stage is not Stage.RECORDING:
                self._lanes.busy(ticket.lane)
                self._attempts.in_flight += 1
        self._withdrawals.end_barred()
        # Answers that came while there was no actor are in the mailbox; one of them may close a gate.
        self._is_listening = True
        self._slot.tell(TICK)

    def arrived(self, ticket: Ticket) -> None:
        if ticket.keeper is self or ticket.stage is not Stage.WAITING:
            return  # adopted before its message came, or refused while there was no actor
        ticket.keeper = self
        self._deadlines.add(ticket, ticket.deadline)
        refused = self._refused_behind_others(ticket)
        if refused is None:
            self._lanes.join(ticket)
        else:
            self._ends(ticket, Final.NOT_SENT, refused.code, retry_after_s=refused.retry_after_s)
        self.pump()

    def _refused_behind_others(self, ticket: Ticket) -> gates.Refuse | None:
        """Behind others of its chat nobody looks at it; what cannot end well is told at once all the same."""
        if not self._lanes.has_before(ticket):
            return None
        now = self._ports.clock.steady()
        obstacle = self._guards.obstacle(ticket, self._attempts.in_flight, now)
        return obstacle if isinstance(obstacle, gates.Refuse) else None

    def permitted(self) -> None:
        self._has_permit = True
        self.pump()

    def has_turn(self, ticket: Ticket) -> None:
        """Its method's limit lets this command go before all others."""
        if not self._lanes.first(ticket):
            self._permits.leave_line(ticket)
        self.pump()

    def ticked(self) -> None:
        self._is_listening = False
        self._alarm.went_off()
        self.pump()

    def policy_changed(self) -> None:
        self._guards.policy_changed()
        # What is to be tried again, or is held by Telegram, sleeps on.
        self._lanes.rouse(lambda ticket: ticket.waits_for == "pace")

    def token_works(self) -> None:
        self._guards.token_works()
        self.pump()

    def token_changed(self) -> None:
        self._guards.token_changed()

    def set_breaker(self, *, is_open: bool, reason: str) -> events.Event:
        """What happened; whoever asked records it."""
        return self._guards.set_breaker(is_open=is_open, reason=reason)

    def bot_changed(self) -> None:
        self._withdrawals.end_barred()
        self.pump()

    def cancel(self, ticket: Ticket, reply: Callable[[object], None]) -> None:
        self._withdrawals.cancel(ticket, reply)
        self.pump()

    def stop_waiting(self) -> None:
        self._withdrawals.stop()

    def stop(self) -> None:
        self._alarm.cancel()

    def pump(self) -> None:
        """Lets leave whatever may leave now, and sets the timer for the rest."""
        if self._is_listening:
            return
        now = self._ports.clock.steady()
        for ticket in self._deadlines.passed(now):
            self._late(ticket, now)
        if self._slot.is_stopping:
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
            obstacle = self._guards.obstacle(ticket, self._attempts.in_flight, now)
            if isinstance(obstacle, gates.Refuse):
                self._refuse_head(ticket, obstacle.code, obstacle.retry_after_s)
            elif isinstance(obstacle, gates.Stay):
                asleep_until = self._guards.waits(ticket, obstacle)
                if obstacle.whole_bot:
                    return obstacle.until
                self._lanes.head_sleeps(asleep_until)
            elif not self._has_place(ticket):
                self._refuse_head(ticket, "store_unavailable", 1.0)
            elif not self._has_fleet_permit(ticket):
                ticket.began_waiting("fleet", self._ports.clock.utc(), None)
                break
            else:
                self._lanes.head_leaves()
                self._attempts.dispatch(ticket, now)
        return math.inf

    def _refuse_head(self, ticket: Ticket, code: str, retry_after_s: float | None) -> None:
        self._lanes.head_ends()
        self._permits.leave_line(ticket)
        self._ends(ticket, Final.NOT_SENT, code, retry_after_s=retry_after_s)

    def _has_place(self, ticket: Ticket) -> bool:
        """What is sent can always be recorded: its outcome has a place in the journal before it leaves."""
        ticket.has_place = ticket.has_place or self._ports.journal.reserve()
        return ticket.has_place

    def _has_fleet_permit(self, ticket: Ticket) -> bool:
        has, self._has_permit = self._has_permit, False
        return has or self._permits.take(self._slot, ticket.command.tenant_id, ticket)

    def start_recorded(self, ticket: Ticket, result: int | StoreError) -> None:
        if not self._attempts.start_recorded(ticket, result):
            self.pump()

    def answered(self, ticket: Ticket, answer: Answer) -> None:
        if ticket.stage is Stage.CALLING:  # else it was given up as lost before
            self._attempts.answered(ticket, answer)
            if ticket.decided_at >= ticket.deadline:
                self._deadlines.add(ticket, ticket.decided_at + DISK_S)
            self.pump()

    def _late(self, ticket: Ticket, now: float) -> None:
        match ticket.stage:
            case Stage.WAITING:
                self._withdrawals.remove(ticket)
                self._ends(ticket, Final.NOT_SENT, "deadline_exceeded")
                self._deadlines.add(ticket, now + DISK_S)
            case Stage.STARTING:
                # Nothing was sent, and `start_recorded` will see that it is too late to.
                ticket.answered(endings.outcome_of(ticket, Final.NOT_SENT, "store_unavailable", now, retry_after_s=1.0))
            case Stage.RECORDING if now < ticket.decided_at + DISK_S:
                self._deadlines.add(ticket, ticket.decided_at + DISK_S)
            case Stage.RECORDING:
                ticket.answered(endings.unrecorded(ticket))
            case _ if now < ticket.deadline + GRACE_S:
                self._deadlines.add(ticket, ticket.deadline + GRACE_S)
            case _:
                self._attempts.give_up(ticket, now)
                self._deadlines.add(ticket, now + DISK_S)
