"""What a bot's actor remembers of its traffic (breaker, holds, pace, retry budget), and what each answer does to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from actors.life import Life
from actors.permits import Permits
from actors.ports import Ports
from actors.slot import Memory, Slot, Ticket
from domain import events
from domain.config import of_bot
from domain.failure import TREATMENT, Category, Failure, OnBreaker, Strategy
from domain.rules import breaker, gates, holds, pacing, retry
from domain.rules.breaker import Breaker, Phase

FULL_AT_KEPT = 512
METHOD_LIMIT = "method_limit"
SHORT = ("pace", "in_flight")
"""What a command whose turn it is may wait for and keep its turn."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a bot goes about it. `max_waiting` and `max_in_flight` count commands; the timeout is for one attempt."""

    pace: pacing.PacePolicy
    breaker: breaker.BreakerPolicy
    retry: retry.RetryPolicy = retry.DEFAULT
    max_in_flight: int = 30
    max_waiting: int = 1000
    telegram_timeout_s: float = 60.0
    idle_timeout_s: float = 1800.0
    max_active_bots: int = 10_000
    require_ownership: bool = False
    """Commands wait for the proof that the bot is its tenant's."""


class Guards:
    __slots__ = ("_default", "_life", "_permits", "_policy", "_ports", "_slot")

    def __init__(self, life: Life, slot: Slot, ports: Ports, permits: Permits, policy: Policy) -> None:
        self._life, self._slot, self._ports, self._permits = life, slot, ports, permits
        self._default = self._policy = policy
        self.policy_changed()

    def policy_changed(self) -> None:
        before, self._policy = self._policy, of_bot(self._default, self._life.bot.config)
        if self._slot.full_at and self._policy.pace != before.pace:
            now = self._ports.clock.steady()
            self._slot.full_at = pacing.repaced(self._slot.full_at, self._policy.pace, self._slot.memory.slow, now)

    def token_works(self) -> None:
        memory = self._slot.memory
        if memory.breaker.phase in (Phase.OPEN, Phase.HALF_OPEN):
            self._become(replace(memory, breaker=breaker.reset(memory.breaker)))

    def token_changed(self) -> None:
        """What the former one met says nothing about this one, also where its answer is still to come."""
        memory = self._slot.memory
        if memory.breaker.phase is not Phase.FORCED:
            self._become(replace(memory, breaker=breaker.reset(memory.breaker)))

    def set_breaker(self, *, is_open: bool, reason: str) -> events.Event:
        memory, at = self._slot.memory, self._ports.clock.utc()
        owner = self._life.bot.owner
        bot_id, tenant_id = self._slot.bot_id, owner.tenant_id if owner else ""
        state = breaker.forced(memory.breaker) if is_open else breaker.reset(memory.breaker)
        self._slot.memory = replace(memory, breaker=state)
        if is_open:
            return events.BreakerForced(occurred_at=at, bot_id=bot_id, tenant_id=tenant_id, reason=reason)
        return events.BreakerClosed(occurred_at=at, bot_id=bot_id, tenant_id=tenant_id, reason=reason)

    def barred(self, ticket: Ticket) -> gates.Refuse | None:
        """Its tenant may not command this bot, or not any more."""
        refused = self._life.may_command(ticket.command.tenant_id)
        if refused is None:
            return None
        # Its bot was removed while it waited: that is no wrong address.
        return gates.Refuse("cancelled" if refused.code == "not_found" else refused.code, None)

    def obstacle(self, ticket: Ticket, in_flight: int, now: float) -> gates.Stay | gates.Refuse | None:
        """What keeps this command from leaving now; None: nothing here does."""
        barred = self.barred(ticket)
        if barred is not None:
            return barred
        memory = self._slot.memory
        call = gates.Call(
            ticket.method.name, ticket.chat, ticket.leaves_by, ticket.command.patient, ticket.method.cosmetic
        )
        situation = gates.Situation(
            memory.breaker,
            memory.holds,
            self._policy.pace,
            memory.slow,
            self._slot.full_at or {},
            in_flight,
            self._policy.max_in_flight,
        )
        found = gates.verdict(call, situation, now)
        if found is None and (until := self._permits.method_closed_until(ticket)) is not None:
            return gates.judged(call, gates.Stay(until, METHOD_LIMIT, whole_bot=False), now)
        return found

    def waits(self, ticket: Ticket, stay: gates.Stay) -> float:
        """It says why in its story. Returns until when its lane sleeps; infinity: until the bot is told."""
        until = self._ports.utc_of(stay.until) if stay.until < math.inf else None
        ticket.began_waiting(stay.because, self._ports.clock.utc(), until)
        if stay.because == METHOD_LIMIT:
            self._permits.wait_for_turn(self._slot, ticket)
            return math.inf
        if stay.because not in SHORT:
            self._permits.leave_line(ticket)
        return stay.until

    def still_open_for(self, ticket: Ticket, now: float) -> bool:
        """Whether nothing has closed while its start was being recorded: no hold, no breaker, no suspension."""
        memory = self._slot.memory
        return (
            ticket.held is not None
            and breaker.still_holds(memory.breaker, ticket.held)
            and holds.held_until(memory.holds, ticket.method.name, ticket.chat, now) is None
            and self._life.may_command(ticket.command.tenant_id) is None
        )

    def time_for(self, ticket: Ticket, now: float) -> float:
        """Seconds that its next attempt may take: a caller that has gone needs no answer."""
        return min(self._policy.telegram_timeout_s, ticket.deadline - now)

    def dispatched(self, ticket: Ticket, now: float) -> None:
        """Takes what a call takes: the breaker's pass, a place in each bucket, a call of the budget."""
        memory = self._slot.memory
        opened, ticket.held = breaker.dispatched(memory.breaker, self._policy.breaker, now)
        needed = pacing.rates(self._policy.pace, ticket.chat, memory.slow, now)
        if needed:
            full_at = self._slot.full_at if self._slot.full_at is not None else {}
            full_at.update(pacing.taken(full_at, needed, now))
            self._slot.full_at = pacing.still_filling(full_at, now) if len(full_at) > FULL_AT_KEPT else full_at
        budget = memory.budget
        if not ticket.attempts:
            budget = retry.spent(budget, now, retry=False)
            self._permits.counted(retry=False)
        self._permits.went(ticket)
        self._become(replace(memory, breaker=opened, budget=budget))

    def returned(self, ticket: Ticket) -> None:
        """It did not go after all, or goes again: a probe is free."""
        if ticket.held is not None:
            memory = self._slot.memory
            self._become(replace(memory, breaker=breaker.undecided(memory.breaker, ticket.held)))

    def worked(self, ticket: Ticket, now: float) -> None:
        if ticket.held is not None:
            memory = self._slot.memory
            after = breaker.succeeded(memory.breaker, self._policy.breaker, ticket.held, ticket.telegram_s, now)
            if after is not memory.breaker:
                self._become(replace(memory, breaker=after))

    def strategy_of(self, failure: Failure) -> Strategy:
        return retry.strategy_of(failure.category, self._policy.retry)

    def next_attempt(self, ticket: Ticket, failure: Failure, now: float) -> retry.Again | None:
        memory = self._slot.memory
        attempted = retry.Attempted(ticket.retries.get(failure.category, 0), ticket.repeatable, ticket.leaves_by)
        decision = retry.after(failure, attempted, self._policy.retry, memory.budget, self._ports.jitter(), now)
        if not isinstance(decision, retry.Again):
            return None
        if decision.spends_budget:
            if not self._permits.may_retry():
                return None
            self._permits.counted(retry=True)
            self._become(replace(memory, budget=retry.spent(memory.budget, now, retry=True)))
        return decision

    def failed_for_good(self, ticket: Ticket, failure: Failure, now: float) -> None:
        """A command counts once, whatever its attempts."""
        memory, held = self._slot.memory, ticket.held
        if held is None:
            return
        match TREATMENT[failure.category].on_breaker:
            case OnBreaker.COUNTS:
                after = breaker.failed(memory.breaker, self._policy.breaker, held, now)
            case OnBreaker.OPENS if held.epoch == memory.breaker.epoch:
                after = breaker.opened(memory.breaker, self._policy.breaker, now)
            case _:
                after = breaker.undecided(memory.breaker, held)
        self._become(replace(memory, breaker=after), failure.description)

    def rate_limited(self, ticket: Ticket, failure: Failure, now: float) -> None:
        if failure.category is not Category.RATE_LIMIT:
            return
        memory = self._slot.memory
        scope = holds.scope_of(ticket.method.name, ticket.chat)
        placed = holds.placed(memory.holds, scope, failure.retry_after_s, now)
        # What is over may still be remembered in the old holds.
        whole_bot = placed.until.get(holds.BOT, now) > max(memory.holds.until.get(holds.BOT, now), now)
        self._become(replace(memory, holds=placed, slow=pacing.slowed(self._policy.pace, memory.slow, now)))
        event = events.HoldPlaced(
            occurred_at=self._ports.clock.utc(),
            bot_id=ticket.command.bot_id,
            tenant_id=ticket.command.tenant_id,
            scope=holds.BOT if whole_bot else scope,
            until=self._ports.utc_of(now + failure.retry_after_s),
            retry_after_s=failure.retry_after_s,
        )
        self._ports.journal.note(event)

    def _become(self, after: Memory, cause: str = "") -> None:
        before = self._slot.memory
        self._slot.memory = after
        if after.breaker.phase is not before.breaker.phase:
            self._life.happened((self._phase_event(after.breaker, cause),))

    def _phase_event(self, state: Breaker, cause: str) -> events.Event:
        owner = self._life.bot.owner
        at, bot_id, tenant_id = self._ports.clock.utc(), self._slot.bot_id, owner.tenant_id if owner else ""
        match state.phase:
            case Phase.OPEN:
                until = self._ports.utc_of(state.open_until)
                return events.BreakerOpened(
                    occurred_at=at, bot_id=bot_id, tenant_id=tenant_id, until=until, cause=cause
                )
            case Phase.HALF_OPEN:
                return events.BreakerHalfOpened(occurred_at=at, bot_id=bot_id, tenant_id=tenant_id)
            case _:
                return events.BreakerClosed(occurred_at=at, bot_id=bot_id, tenant_id=tenant_id)
