"""The supervisor: every bot's slot, who is awake, what happens to an actor that fails, and how the fleet stops.

It owns the Telegram session and the fleet's permits. It decides nothing about a command: it finds the bot's slot, wakes
the bot if need be, and hands the command over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from actors import introductions
from actors.bot import BotActor, Lifecycle
from actors.fleet import remembers_breaker
from actors.guards import Policy
from actors.mail import STOP_WAITING
from actors.messages import (
    BotFailed,
    DescribeFleet,
    Drain,
    Execute,
    FleetState,
    Register,
    RegisterBot,
    RemoveBot,
    ResumeBot,
    SuspendBot,
)
from actors.permits import Permits
from actors.ports import Ports
from actors.runtime import DEFERRED, LoopActor, stopped
from actors.slot import Slot, Ticket
from domain import events
from domain.bot import Bot, Identity
from domain.errors import StoreError
from domain.methods import method_named
from domain.refusal import Refused
from domain.rules.tokens import Token

RESTART_BASE_S, RESTART_CAP_S = 0.1, 30.0
QUIET_S = 60.0
"""After so long without a failure the next restart is quick again."""
LOOK_EVERY_S = 0.02
LAST_WORDS_S = 2.0
READ_AGAIN_S = 1.0

log = structlog.get_logger()
NOT_HERE = Refused("not_found", "There is no such bot. GET /api/bots lists yours.")
SHUTTING_DOWN = Refused("shutting_down", "The gateway is stopping. Send it again in a few seconds.", 2.0)
NOT_READ = Refused(
    "store_unavailable", "The bot could not be read from the event store. Nothing was sent; try again.", 2.0
)


@dataclass(frozen=True, slots=True)
class Bots:
    """How bots are read and kept: given by the wiring, since it touches the store."""

    read: Callable[[int], tuple[Bot, Token | None]]
    """Blocking. Raises StoreError."""
    seal: Callable[[str, Token], bytes]
    """Blocking. Raises StoreError."""


class Supervisor(LoopActor):
    def __init__(self, slots: dict[int, Slot], bots: Bots, ports: Ports, permits: Permits, policy: Policy) -> None:
        super().__init__()
        self._slots = slots
        self._bots = bots
        self._ports = ports
        self._permits = permits
        self._policy = policy
        self._draining = False
        self._failures: dict[int, tuple[int, float]] = {}

    def on_receive(self, message: object) -> Any:
        match message:
            case Execute():
                return self._execute(message)
            case RegisterBot():
                return self._register(message)
            case SuspendBot() | ResumeBot() | RemoveBot():
                return self._change(message)
            case BotFailed():
                return self._failed(message)
            case DescribeFleet():
                return self._described()
            case _Restart():
                return self._restart(message)
            case Drain():
                self._draining = True
                return self.spawn(self._drain(message.bound_s))
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
        if command.tenant_id != slot.tenants[0]:
            return Refused("bot_unverified", "This bot takes no commands until you prove that it is yours.")
        if slot.open_commands >= self._policy.max_waiting + self._policy.max_in_flight:
            return Refused("overloaded", "This bot has as many commands waiting as it may. Send more slowly.", 1.0)
        now = self._ports.clock.steady()
        reply = self.reply_later()
        ticket = Ticket(command, method, command.chat, now, now + command.deadline_s, reply.set)
        slot.opened(ticket)
        if slot.actor is not None and slot.actor.is_alive():
            slot.actor.tell(ticket)
        else:
            self._wake(slot)
        return DEFERRED

    def _register(self, message: RegisterBot) -> Any:
        if self._draining:
            return SHUTTING_DOWN
        asked = introductions.ask(message, self._ports.telegram, self._bots.seal)
        return self.spawn(asked, then=lambda found: self._introduced(message, found))

    def _introduced(self, message: RegisterBot, found: Identity | Refused) -> Any:
        if isinstance(found, Refused):
            return found
        slot = self._slots.setdefault(message.token.bot_id, Slot(message.token.bot_id, ()))
        return self._tell_life(slot, Register(found, message.token))

    def _change(self, message: SuspendBot | ResumeBot | RemoveBot) -> Any:
        slot = self._slots.get(message.bot_id)
        if slot is None or message.tenant_id not in slot.tenants:
            return NOT_HERE
        return SHUTTING_DOWN if self._draining else self._tell_life(slot, message)

    def _tell_life(self, slot: Slot, message: Register | SuspendBot | ResumeBot | RemoveBot) -> Any:
        slot.tell(Lifecycle(message, self.reply_later()))
        if slot.actor is None:
            self._wake(slot)
        return DEFERRED

    def _wake(self, slot: Slot) -> None:
        if slot.waking:
            return
        slot.waking = True
        self.beside(self._read(slot.bot_id), then=lambda found: self._woken(slot, found))

    async def _read(self, bot_id: int) -> tuple[Bot, Token | None] | StoreError:
        try:
            return await asyncio.to_thread(self._bots.read, bot_id)
        except StoreError as error:
            return error

    def _woken(self, slot: Slot, found: tuple[Bot, Token | None] | StoreError) -> None:
        slot.waking = False
        if isinstance(found, StoreError):
            log.error("bot_not_read", bot_id=slot.bot_id, reason=str(found))
            slot.refuse_waiting(NOT_READ)
            self._refuse_changes(slot)
            if slot.open_commands:
                self._ports.timers.at(
                    self._ports.clock.steady() + READ_AGAIN_S, lambda: self.actor_ref.tell(_Restart(slot, READ_AGAIN_S))
                )
            return
        bot, token = found
        slot.tenants = bot.tenants
        remembers_breaker(slot, bot, self._ports)
        slot.actor = BotActor.start(bot, token, slot, self._ports, self._permits, self._policy, self.actor_ref.tell)
        self._note(slot, events.ActorStarted)
        for message in slot.unparked():
            slot.actor.tell(message)

    def _refuse_changes(self, slot: Slot) -> None:
        for message in slot.unparked():
            if isinstance(message, Lifecycle):
                message.reply.set(NOT_READ)
            else:
                slot.tell(message)

    def _failed(self, message: BotFailed) -> None:
        slot = self._slots[message.bot_id]
        slot.actor = None
        now = self._ports.clock.steady()
        failures, last = self._failures.get(slot.bot_id, (0, now))
        failures = 1 if now - last > QUIET_S else failures + 1
        self._failures[slot.bot_id] = (failures, now)
        after_s = min(RESTART_CAP_S, RESTART_BASE_S * 2 ** (failures - 1))
        log.error("bot_actor_failed", bot_id=slot.bot_id, error=message.reason, restart_after_s=after_s)
        self._note(slot, events.ActorFailed, reason=message.reason)
        # Commands wait in the slot meanwhile. What the old incarnation wrote must be on disk before the new one reads.
        slot.waking = True
        again = _Restart(slot, after_s)
        self._ports.timers.at(now + after_s, lambda: self._ports.journal.flush(lambda _: self.actor_ref.tell(again)))

    def _restart(self, restart: _Restart) -> None:
        restart.slot.waking = False
        self._note(restart.slot, events.ActorRestarted, after_s=restart.after_s)
        self._wake(restart.slot)

    def _described(self) -> FleetState:
        slots = self._slots.values()
        return FleetState(
            bots=len(slots),
            awake=sum(slot.actor is not None for slot in slots),
            open_commands=sum(slot.open_commands for slot in slots),
            draining=self._draining,
        )

    async def _drain(self, bound_s: float) -> None:
        for slot in self._slots.values():
            if slot.actor is not None and slot.open_commands:
                slot.tell(STOP_WAITING)
        await self._quiet(bound_s)
        # What is still out comes back as lost and is recorded as that.
        await self._ports.telegram.close()
        await self._quiet(LAST_WORDS_S)
        for slot in self._slots.values():
            if slot.actor is not None:
                await stopped(slot.actor)
                slot.actor = None

    async def _quiet(self, bound_s: float) -> None:
        until = self._ports.clock.steady() + bound_s
        # Looked at and not told: on the way of a command nobody should pay for the one stop of a process.
        while self._ports.clock.steady() < until and any(slot.open_commands for slot in self._slots.values()):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)

    def _note(self, slot: Slot, event: type[events.DayEvent], **fields: object) -> None:
        owner = slot.tenants[0] if slot.tenants else ""
        now = self._ports.clock.utc()
        self._ports.journal.note(event(occurred_at=now, bot_id=slot.bot_id, tenant_id=owner, **fields))


@dataclass(frozen=True, slots=True)
class _Restart:
    slot: Slot
    after_s: float
