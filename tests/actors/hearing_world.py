"""One bot's ear with a manual clock, a Telegram that keeps one webhook, and polls with a script."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import reduce
from pathlib import Path

import msgspec

from actors.doorstep import Address, Doorstep
from actors.ear import Ear
from actors.hearing import Tools
from actors.messages import ClearAlert, RaiseAlert
from actors.ports import Ports
from domain import bot as lives
from domain.bot import Bot
from domain.config import Config
from domain.errors import StoreUnavailable
from domain.events import BotConfigured, Event
from domain.failure import Answer, Delivered, Failure, read_answer
from domain.hearing import DEAF, Hearing, Whose
from tests.actors.waiting import Threads
from tests.doubles import Call, ManualClock, ManualTimers, MemoryJournal, ScriptedTelegram, a_registered_bot, a_seal
from tests.examples import BOT_ID, NOON, TENANT, a_token

PUBLIC_URL = "https://bots.example.com"
WATCHDOG_S = 300.0
OK = Delivered(b"true")
RIVAL = read_answer(
    409, b'{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request"}'
)
WEBHOOK_SET = read_answer(
    409,
    b'{"ok":false,"error_code":409,"description":"Conflict: can\'t use getUpdates method while webhook is active"}',
)
UNAUTHORIZED = read_answer(401, b'{"ok":false,"error_code":401,"description":"Unauthorized"}')
BAD_WEBHOOK = read_answer(400, b'{"ok":false,"error_code":400,"description":"Bad Request: bad webhook"}')


def updates(*ids: int) -> Delivered:
    return Delivered(msgspec.json.encode([an_update(update_id) for update_id in ids]))


def an_update(update_id: int, text: str = "/start now") -> dict[str, object]:
    return {"update_id": update_id, "message": {"chat": {"id": 5, "type": "private"}, "text": text}}


def a_bot_that_wants(wish: str, *, kinds: tuple[str, ...] | None = None, **changes: object) -> Bot:
    config = Config(updates=wish, allowed_updates=kinds)
    configured = BotConfigured(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, config=config, by="tenant")
    return msgspec.structs.replace(reduce(lives.evolve, (configured,), a_registered_bot(BOT_ID, TENANT)), **changes)


class World:
    def __init__(
        self,
        *,
        public_url: str | None = PUBLIC_URL,
        hearing: Hearing = DEAF,
        address: Address | None = None,
        certificate: Path | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.timers = ManualTimers(self.clock)
        self.journal = MemoryJournal()
        self._threads = Threads()
        self.may_read = threading.Event()
        self.may_read.set()
        self.telegram, self.polls = ScriptedTelegram(self.clock), ScriptedTelegram(self.clock)
        self.telegram.otherwise, self.polls.otherwise = self._answered, lambda _: None
        self.url, self.pending, self.last_error = "", 0, None
        self.url: str
        self.allowed: object = ()
        self.certificate: object = None
        """As Telegram has them."""
        self.last_error: int | None
        self.refuses: Answer | None = None
        self.vault_is_away = False
        self.alerts: list[tuple[str, str]] = []
        self.checked: list[int] = []
        self.arrived: list[int] = []
        ports = Ports(self.clock, self.timers, self.journal, self.telegram, lambda: 0.0, self._sealed)
        self.doorstep = Doorstep(ports, self.arrived.append)
        self.tools = Tools(
            ports=ports,
            polls=self.polls,
            turns=asyncio.Semaphore(10),
            doorstep=self.doorstep,
            public_url=public_url,
            watchdog_s=WATCHDOG_S,
            certificate=certificate,
            alert=self._alerted,
            check_token=self.checked.append,
        )
        self.ear = Ear(BOT_ID, self.tools, hearing, address)

    async def wants(self, wish: str, **changes: object) -> None:
        self.ear.follow(a_bot_that_wants(wish, **changes), a_token())
        await self.rest()

    async def rest(self) -> None:
        await self._threads.rest(self.journal.commit, self.may_read.is_set)

    async def passes(self, seconds: float) -> None:
        until = self.clock.steady() + seconds
        await self.rest()
        while (at := self.timers.next()) is not None and at <= until:
            self.timers.advance(at - self.clock.steady())
            await self.rest()
        self.timers.advance(until - self.clock.steady())
        await self.rest()

    async def polled(self, answer: Answer) -> None:
        """The poll that waits is answered."""
        self.polls.out[-1].gets(answer)
        await self.rest()

    async def brings(self, update_id: int, text: str = "/start now") -> None:
        """Telegram, by webhook."""
        body = msgspec.json.encode(an_update(update_id, text))
        assert self.doorstep.bring(Whose(BOT_ID, TENANT), body, lambda _: None)
        await self.rest()

    def fails(self, at: int, pending: int = 3) -> None:
        """Telegram cannot bring anything since then."""
        self.last_error, self.pending = at, pending

    @property
    def asked(self) -> list[str]:
        """What Telegram was told, without the looks."""
        return [call.method for call in self.telegram.calls if call.method != "getWebhookInfo"]

    @property
    def topics(self) -> list[str]:
        return [one.event.TOPIC for one in self.journal.log if one.stream.startswith("updates/")]

    @property
    def state(self) -> str:
        return self.ear.described().state

    def of(self, kind: type[Event]) -> list[Event]:
        return self.journal.of(kind)

    def _sealed(self, tenant_id: str, purpose: str, plain: bytes) -> bytes:
        if self.vault_is_away:
            raise StoreUnavailable
        return a_seal(tenant_id, purpose, plain)

    def _alerted(self, message: RaiseAlert | ClearAlert) -> None:
        """As the alerts actor does: one incident is told once."""
        is_open = [told for told, kind in self.alerts if kind == message.kind][-1:] == ["raised"]
        if isinstance(message, RaiseAlert) and not is_open:
            self.alerts.append(("raised", message.kind))
        if isinstance(message, ClearAlert) and is_open:
            self.alerts.append(("cleared", message.kind))

    def _answered(self, call: Call) -> Answer:
        match call.method:
            case "getWebhookInfo" if not isinstance(self.refuses, Failure) or self.refuses.code != 401:
                told = {
                    "url": self.url,
                    "pending_update_count": self.pending,
                    "last_error_date": self.last_error,
                    "allowed_updates": self.allowed,
                    "has_custom_certificate": self.certificate is not None,
                }
                return Delivered(msgspec.json.encode(told))
            case "setWebhook" if self.refuses is None:
                self.url, self.last_error = str(call.parameters["url"]), None
                self.allowed, self.certificate = call.parameters["allowed_updates"], call.parameters.get("certificate")
            case "deleteWebhook" if self.refuses is None:
                assert "drop_pending_updates" not in call.parameters
                self.url = ""
        return self.refuses or OK


def on_a_loop(story: Callable[[World], Awaitable[None]], **world: object) -> None:
    async def told() -> None:
        one = World(**world)  # type: ignore[arg-type]  # by name
        await story(one)
        await one.ear.stop()
        assert {asyncio.current_task()} == asyncio.all_tasks()

    asyncio.run(told())
