"""A supervisor with its bots on a real loop; the disk, Telegram and time are the test's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any

from actors.acceptance import Archive
from actors.fleet import bots_of, slots_of
from actors.guards import Policy
from actors.incarnations import Bots
from actors.messages import ClearAlert, Durability, Execute, Notify, RaiseAlert
from actors.permits import Permits
from actors.ports import Ports
from actors.runtime import stopped
from actors.slot import Slot
from actors.supervisor import Supervisor
from domain import bot as lives
from domain.bot import Bot
from domain.command import Outcome
from domain.errors import StoreError
from domain.refusal import Refused
from domain.rules.tokens import Token
from domain.streams import BOTS, bot_stream
from tests.actors.waiting import SOON_S, Threads, a_turn
from tests.doubles import (
    UNLIMITED,
    ManualClock,
    ManualTimers,
    MemoryJournal,
    ScriptedTelegram,
    a_message,
    a_registration,
    a_seal,
)
from tests.examples import BOT_ID, TENANT, a_command, a_token


class Shelf:
    """Where bots are read from: the journal's own log. A test may keep a reader waiting, or send it away."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal
        self.reads: list[int] = []
        self.may_read = threading.Event()
        self.may_read.set()
        self.trouble: Exception | None = None
        self.is_shredded = False
        """Bots have tokens, and nobody can open them."""
        self.seal_trouble: StoreError | None = None
        self.open_trouble: StoreError | None = None

    def read(self, bot_id: int) -> tuple[Bot, Token | None]:
        self.reads.append(bot_id)
        assert self.may_read.wait(SOON_S)
        if self.trouble is not None:
            raise self.trouble
        bot = Bot(bot_id)
        for recorded in list(self._journal.log):
            if recorded.stream == bot_stream(bot_id):
                bot = lives.evolve(bot, recorded.event)
        return bot, a_token(bot_id) if bot.owner and not self.is_shredded else None

    def seal(self, tenant_id: str, token: Token) -> bytes:
        if self.seal_trouble is not None:
            raise self.seal_trouble
        return a_seal(tenant_id, "token", token.reveal().encode())

    def open(self, tenant_id: str, purpose: str, sealed: bytes) -> bytes:
        if self.open_trouble is not None:
            raise self.open_trouble
        label = a_seal(tenant_id, purpose, b"")
        assert sealed.startswith(label)
        return sealed[len(label) :][::-1]


class Fleet:
    """To be made in a running loop. What is asked is a task; `until` lets the world go on."""

    def __init__(
        self,
        policy: Policy = UNLIMITED,
        *bots: tuple[int, str],
        fleet_rps: float = 0.0,
        after: Fleet | None = None,
        alarmed: Sequence[int] = (),
    ) -> None:
        """`after`: the process before this one, whose log it reads."""
        self.clock = ManualClock()
        self.timers = ManualTimers(self.clock)
        self.telegram = ScriptedTelegram(self.clock)
        self.journal = after.journal if after else MemoryJournal()
        self.shelf = Shelf(self.journal)
        for bot_id, tenant_id in () if after else bots or ((BOT_ID, TENANT),):
            self.journal.write(bot_stream(bot_id), 0, (a_registration(bot_id, tenant_id),))
        self.journal.commit()
        self.first_event = len(self.journal.log)
        self.sealing: Callable[[str, str, bytes], bytes] = a_seal
        self.follows: list[Callable[[Bot], None]] = []
        self.notices: list[Notify] = []
        self.ports = Ports(
            self.clock,
            self.timers,
            self.journal,
            self.telegram,
            lambda: 0.5,
            self._seal,
            lambda bot: [follow(bot) for follow in self.follows] and None,
            notify=self.notices.append,
        )
        self.slots = slots_of(bots_of(one for one in self.journal.log if one.stream.startswith(BOTS)), self.ports)
        self.alerts: list[RaiseAlert | ClearAlert] = []
        self.supervisor = Supervisor.start(
            self.slots,
            Bots(self.shelf.read, self.shelf.seal),
            self.ports,
            Permits(fleet_rps, self.clock, self.timers),
            policy,
            Archive(self._stream, lambda at: self.journal.log[at - 1], self.shelf.open),
            self.alerts.append,
            alarmed,
        )
        self._number = count(1)
        self._threads = Threads()
        self._asked: list[asyncio.Future[Any]] = []

    @property
    def slot(self) -> Slot:
        return self.slots[BOT_ID]

    def ask(self, message: object) -> asyncio.Future[Any]:
        asked = asyncio.ensure_future(_answer(self.supervisor.ask(message, block=False)))
        self._asked.append(asked)
        return asked

    def say(
        self, text: str, chat: int = 42, durability: Durability | None = None, **changes: object
    ) -> asyncio.Future[Any]:
        command = a_command(
            **{
                "command_id": f"command-{next(self._number)}",
                "received_at": self.clock.utc(),
                **a_message(text, chat),
                **changes,
            }
        )
        return self.ask(Execute(command, durability))

    async def until(self, condition: Callable[[], object]) -> None:
        """Lets everything happen that can happen without time passing, until it has."""
        async with asyncio.timeout(SOON_S):
            while not condition():
                self.journal.commit()
                await a_turn(0.0005)

    async def told(self, *asked: asyncio.Future[Any]) -> Any:
        await self.until(lambda: all(one.done() for one in asked))
        return [one.result() for one in asked] if len(asked) > 1 else asked[0].result()

    async def rest(self) -> None:
        """For what must not happen: many turns, in which it would have."""
        await self._threads.rest(self.journal.commit, self.shelf.may_read.is_set)

    async def advance(self, seconds: float) -> None:
        until = self.clock.steady() + seconds
        await self.rest()
        while (at := self.timers.next()) is not None and at <= until:
            self.timers.advance(at - self.clock.steady())
            await self.rest()
        self.timers.advance(until - self.clock.steady())

    async def actor_fails(self) -> None:
        actor = self.slot.actor
        assert actor is not None
        actor.tell("something that no actor knows")
        await self.until(lambda: self.slot.actor is not actor)

    async def wakes(self) -> None:
        await self.until(lambda: self.slot.actor is not None)

    async def is_over(self) -> None:
        self.shelf.may_read.set()
        for slot in self.slots.values():
            if slot.actor is not None:
                await stopped(slot.actor)
        await stopped(self.supervisor)
        for asked in self._asked:
            asked.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)

    def _seal(self, tenant_id: str, purpose: str, plain: bytes) -> bytes:
        return self.sealing(tenant_id, purpose, plain)

    def topics(self) -> list[str]:
        return [event.TOPIC for event in self.journal.events[self.first_event :]]

    def _stream(self, stream: str) -> list[Any]:
        return [recorded for recorded in self.journal.log if recorded.stream == stream]


async def _answer(future: Awaitable[Any]) -> Any:
    return await future


def on_a_loop(story: Callable[[Fleet], Awaitable[None]], policy: Policy = UNLIMITED, *bots: tuple[int, str]) -> None:
    async def told() -> None:
        fleet = Fleet(policy, *bots)
        try:
            await story(fleet)
        finally:
            await fleet.is_over()

    asyncio.run(told())


def ended(told: object) -> tuple[str, str]:
    assert isinstance(told, (Outcome, Refused)), told
    return (told.final, told.code) if isinstance(told, Outcome) else ("refused", told.code)
