"""One process of the gateway: the production supervisor and its bots, put together as the wiring does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from pykka._envelope import Envelope

from actors.acceptance import Archive
from actors.fleet import bots_of, remembers_hold, slots_of, take_up
from actors.inbox import LoopFuture
from actors.incarnations import Bots
from actors.ports import Ports
from actors.supervisor import Supervisor
from domain.bot import Bot
from domain.errors import StoreUnavailable
from domain.rules.tokens import Token
from domain.streams import BOTS
from tests.doubles import a_seal
from tests.examples import a_token
from tests.simulation.disk import Disk, SlowJournal
from tests.simulation.loop import Agenda, Clock, VirtualLoop
from tests.simulation.permits import WatchedPermits
from tests.simulation.plan import Plan
from tests.simulation.telegram import InjectedCrash, Line, Telegram
from tests.simulation.watch import Watch


class Reply(LoopFuture):
    """Tells at once, where an awaited future would tell a turn later."""

    def __init__(self, told: Callable[[Any], None]) -> None:
        super().__init__()
        self._told = told

    def _finish(self, value: Any, error: BaseException | None) -> None:
        self._state = (value, error)
        self._told(value if error is None else error)


class Process:
    def __init__(
        self, plan: Plan, disk: Disk, telegram: Telegram, agenda: Agenda, clock: Clock, chance: Random, watch: Watch
    ) -> None:
        self._disk, self._chance, self._faults = disk, chance, plan.faults
        self.is_calm = False
        self.loop = VirtualLoop(agenda, clock, chance, plan.faults.late_s)
        opened = disk.interrupted()
        self.journal = SlowJournal(disk, opened, self.loop, agenda, clock, chance, plan, watch)
        self.line = Line(telegram, self.loop, chance, plan.faults.crashes_inside, watch)
        ports = Ports(clock, self.loop, self.journal, self.line, self._jitter, a_seal)
        archive = Archive(disk.stream, lambda at: disk.log[at - 1], lambda *sealed: sealed[2].split(b": ", 1)[1][::-1])
        asyncio._set_running_loop(self.loop)  # type: ignore[arg-type]  # noqa: SLF001  what event loops call when they run
        bots = bots_of(recorded for recorded in disk.log if recorded.stream.startswith(BOTS))
        self.slots = slots_of(bots, ports)
        watch.process_started(self.slots, opened.commands())
        for hold in opened.holds(clock.utc()):
            if hold.bot_id in self.slots:
                remembers_hold(self.slots[hold.bot_id], hold, plan.policy.pace, ports)
        for command in opened.commands():
            take_up(self.slots.get(command.first.bot_id), command, ports, archive)
        self.supervisor = Supervisor.start(
            self.slots,
            Bots(self._read, lambda _, token: token.reveal().encode()),
            ports,
            WatchedPermits(plan, clock, self.loop, chance, watch.fleet),
            plan.policy,
            archive,
        )
        self.loop.run_ready()

    def ask(self, message: object, told: Callable[[Any], None]) -> None:
        self.supervisor.actor_inbox.put(Envelope(message, reply_to=Reply(told)))

    def life_of(self, bot_id: int) -> Bot | None:
        """What its actor believes; None: it has none."""
        actor = self.slots[bot_id].actor
        living = None if actor is None else actor._actor_weakref()  # noqa: SLF001  nobody else may look inside
        return None if living is None else living._life.bot  # noqa: SLF001

    @property
    def is_undisturbed(self) -> bool:
        """Its actors come when they are needed, and stay."""
        faults = self._faults
        return (
            not (faults.actor_crashes or faults.crashes_inside or faults.process_crashes or faults.strangers)
            and not faults.unreadable
        )

    def dies(self) -> None:
        self.loop.die()
        asyncio._set_running_loop(None)  # noqa: SLF001

    def calms_down(self) -> None:
        self.is_calm = self.journal.is_calm = True
        self.line.crashes_inside = 0.0

    def _jitter(self) -> float:
        """Asked in the middle of a handler: the place for a bug of the actor's own."""
        if not self.is_calm and self._chance.random() < self._faults.crashes_inside:
            raise InjectedCrash
        return self._chance.random()

    def _read(self, bot_id: int) -> tuple[Bot, Token | None]:
        if not self.is_calm and self._chance.random() < self._faults.unreadable:
            raise StoreUnavailable
        bot = self._disk.bot(bot_id)
        return bot, a_token(bot_id) if bot.owner else None
