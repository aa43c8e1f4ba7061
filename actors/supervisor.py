"""The supervisor: every bot's slot, and what the gateway asks of the fleet.

It owns the Telegram session and the fleet's permits. It decides nothing about a command: it finds the bot's slot, wakes
the bot if need be, and hands the command over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from actors import draining, fleet, introductions
from actors.acceptance import IN_FLIGHT, Archive
from actors.draining import SHUTTING_DOWN
from actors.durable import Durable, Recorded
from actors.guards import Policy
from actors.incarnations import Bots, Incarnations, LookedAfter, Read, Restart, TryAgain
from actors.mail import BotFailed, CancelTicket, Change, Lifecycle, Register
from actors.messages import (
    Cancel,
    ChangeBot,
    CheckToken,
    ClearAlert,
    ConfigureBot,
    DescribeBreaker,
    DescribeFleet,
    DescribeLimits,
    Drain,
    Execute,
    RaiseAlert,
    ReadResult,
    RegisterBot,
    RemoveBot,
    RemoveBotsOf,
    ResetRetryStatistics,
    SetBreaker,
)
from actors.passivation import Beat, Passivation
from actors.permits import Permits
from actors.ports import Ports
from actors.removal import Leaving, all_told
from actors.runtime import DEFERRED, LoopActor, LoopFuture
from actors.slot import Slot, Ticket
from domain import streams
from domain.bot import ADMIN, Identity
from domain.errors import StoreError
from domain.methods import method_named
from domain.ownership import NOT_HERE, listens
from domain.refusal import Refused
from domain.rules import restarts
from domain.tenant import NO_TENANT

NOT_RECORDED = Refused("store_unavailable", "The change could not be recorded and was not made. Try again.")


class Supervisor(LoopActor):
    def __init__(
        self,
        slots: dict[int, Slot],
        bots: Bots,
        ports: Ports,
        permits: Permits,
        policy: Policy,
        archive: Archive,
        alert: Callable[[RaiseAlert | ClearAlert], None] = lambda _: None,
        alarmed: Iterable[int] = (),
    ) -> None:
        """`alarmed`: bots that an earlier process has given up, with the operator's alert still open."""
        super().__init__()
        self._durable = Durable(ports, archive, self.actor_ref.tell, self._hand_over)
        self._slots = slots
        self._bots = bots
        self._ports = ports
        self._policy = policy
        self._alarmed = alarmed
        self._permits = permits
        self._draining = False
        self._leaving = Leaving()
        self._sleep = Passivation(slots, ports, policy, self.actor_ref.tell)
        self._incarnations = Incarnations(bots, ports, permits, policy, self.actor_ref.tell, self.beside, alert)

    def on_start(self) -> None:
        self._sleep.next_beat()
        # What the last process left open is in the slots already; nothing new comes before it.
        for slot in self._slots.values():
            if slot.sick is not None:
                self._incarnations.try_later(slot, slot.sick, restarts.REST_S)
            if slot.open_commands:
                self._incarnations.wake(slot)
        for bot_id in self._alarmed:
            self._incarnations.still_alarmed(bot_id, self._slots.get(bot_id))

    def on_receive(self, message: object) -> Any:
        match message:
            case Execute():
                return self._execute(message)
            case RegisterBot():
                return self._register(message)
            case ChangeBot():
                return self._change(message)
            case RemoveBotsOf():
                return self._remove_bots_of(message)
            case SetBreaker() | CheckToken():
                slot = self._slots.get(message.bot_id)
                return NOT_HERE if slot is None else self._tell_life(slot, message)
            case ResetRetryStatistics():
                return self._reset_retries(message)
            case DescribeBreaker():
                slot = self._slots.get(message.bot_id)
                return fleet.breaker_of(slot, self._ports) if slot is not None and slot.tenants else NOT_HERE
            case BotFailed():
                return self._incarnations.failed(self._slots[message.bot_id], message.reason)
            case DescribeFleet():
                return fleet.described(self._slots.values(), self._ports.journal, draining=self._draining)
            case DescribeLimits():
                return self._permits.described()
            case ReadResult():
                return self.spawn(self._durable.read_result(message))
            case Cancel():
                return self._cancel(message)
            case Recorded():
                return self._durable.recorded(message)
            case Restart():
                return self._incarnations.restart(message)
            case Read():
                return self._incarnations.read(message.slot)
            case Beat():
                return self._sleep.beat()
            case LookedAfter():
                return self._incarnations.looked_after(message)
            case TryAgain():
                return self._incarnations.try_again(message)
            case Drain():
                self._draining = True
                return self.spawn(draining.drain(self._slots.values(), self._ports, message.bound_s))
            case _:
                raise TypeError(f"Supervisor has no case for {type(message).__name__}")

    def _execute(self, message: Execute) -> Any:
        command = message.command
        slot = self._slots.get(command.bot_id)
        method = method_named(command.method)
        if slot is None or command.tenant_id not in slot.tenants or method is None:
            return NOT_HERE
        if self._draining:
            return SHUTTING_DOWN
        if refused := fleet.unproven(slot, command.tenant_id, must_prove=self._policy.require_ownership):
            return refused
        if slot.open_commands + slot.accepting >= self._policy.max_waiting + self._policy.max_in_flight:
            return Refused("overloaded", "This bot has as many commands waiting as it may. Send more slowly.", 1.0)
        now = self._ports.clock.steady()
        reply = self.reply_later()
        ticket = Ticket(command, method, command.chat, now, now + command.deadline_s, reply.set)
        if message.durability is None:
            self._hand_over(slot, ticket)
        elif message.durability.key is None:
            self._durable.accept(slot, ticket, message.durability)
        else:
            durability, key = message.durability, message.durability.key
            if not self._durable.claim(command, key):
                return IN_FLIGHT
            slot.accepting += 1
            self.beside(
                self._durable.earlier(command, key),
                then=lambda found: self._durable.looked_up(slot, ticket, durability, found),
            )
        return DEFERRED

    def _hand_over(self, slot: Slot, ticket: Ticket) -> None:
        slot.opened(ticket)
        if slot.actor is None:
            self._incarnations.wake(slot)
        else:
            # Where it failed a moment ago its successor hears of it; waking one here would make two.
            slot.tell(ticket)

    def _cancel(self, message: Cancel) -> Any:
        slot = self._slots.get(message.bot_id)
        ticket = (slot.tickets or {}).get(message.command_id) if slot is not None else None
        if slot is None or ticket is None or ticket.command.tenant_id != message.tenant_id:
            return Refused(
                "not_cancellable", "It is not open any more. GET /api/commands/{command_id} tells its outcome."
            )
        slot.tell(CancelTicket(ticket, self.reply_later()))
        return DEFERRED

    def _register(self, message: RegisterBot) -> Any:
        if self._draining:
            return SHUTTING_DOWN
        asked = introductions.ask(message, self._ports.telegram, self._bots.seal)
        return self.spawn(asked, then=lambda found: self._introduced(message, found))

    def _introduced(self, message: RegisterBot, found: Identity | Refused) -> Any:
        if self._draining:
            return SHUTTING_DOWN
        if isinstance(found, Refused):
            return found
        if found.tenant_id in self._leaving.tenants:
            return NO_TENANT
        slot = self._slots.setdefault(message.token.bot_id, Slot(message.token.bot_id, ()))
        self._leaving.registers(found.tenant_id, slot, self.reply_later())
        return self._tell_life(slot, Register(found, message.token))

    def _change(self, message: ChangeBot) -> Any:
        slot = self._slots.get(message.bot_id)
        if slot is not None and slot.tenants and not message.tenant_id:
            message = msgspec.structs.replace(message, tenant_id=slot.tenants[0])
        if slot is None or message.tenant_id not in slot.tenants:
            return NOT_HERE
        must_prove = self._policy.require_ownership and isinstance(message, ConfigureBot) and listens(message.change)
        if must_prove and (refused := fleet.unproven(slot, message.tenant_id, must_prove=True)):
            return refused
        return self._tell_life(slot, message)

    def _remove_bots_of(self, message: RemoveBotsOf) -> Any:
        found = self._leaving.bots_of(message.tenants, self._slots.values())
        if self._draining:
            return SHUTTING_DOWN
        replies = [LoopFuture() for _ in found]
        for (slot, tenant_id), reply in zip(found, replies, strict=True):
            self._tell_life(slot, RemoveBot(slot.bot_id, tenant_id, ADMIN, message.tenants[tenant_id]), reply)
        return self.spawn(all_told(replies))

    def _tell_life(self, slot: Slot, message: Change, reply: LoopFuture | None = None) -> Any:
        if self._draining:
            return SHUTTING_DOWN
        slot.tell(Lifecycle(message, reply or self.reply_later()))
        if slot.actor is None:
            self._incarnations.wake(slot)
        return DEFERRED

    def _reset_retries(self, message: ResetRetryStatistics) -> Any:
        slot = None if message.bot_id is None else self._slots.get(message.bot_id)
        if message.bot_id is not None and slot is None:
            return NOT_HERE
        if self._draining:
            return SHUTTING_DOWN
        reply = self.reply_later()

        def written(result: int | StoreError) -> None:
            reply.set(result if isinstance(result, int) else NOT_RECORDED)

        event = fleet.retries_reset(message, slot, self._ports.clock.utc())
        self._ports.journal.note(event, written, streams.FLEET)
        return DEFERRED
