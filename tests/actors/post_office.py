"""A delivery actor over a real inbox; the tenant's end of the line, Telegram and time are the test's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from actors.callbacks import Callback
from actors.delivery.actor import DeliveryActor
from actors.delivery.desk import Desk, update_purpose
from actors.delivery.endpoints import failing_of
from actors.delivery.mail import Arrivals
from actors.life import callback_purpose
from actors.messages import ConfigureBot, Notify, PulledUpdates, PullUpdates
from actors.outside import Posted
from actors.ports import Ports
from actors.runtime import stopped
from domain import bot as lives
from domain import callback, events
from domain.bot import Bot
from domain.callback import Address
from domain.errors import StoreUnavailable
from domain.refusal import Refused
from domain.rules.delivering import Failing
from domain.store.inbox import Inbox, InboxRow
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from domain.store.vault import Vault
from domain.streams import day_stream
from domain.updates import read
from tests.actors.waiting import Threads, answer_of, until
from tests.doubles import ManualClock, ManualTimers, MemoryJournal, ScriptedTelegram, a_registered_bot
from tests.examples import BOT_ID, NOON, TENANT

ADDRESS = Address("https://acme.example/updates", "whsec_c2VjcmV0")


def an_update(update_id: int, chat: int = 42, text: str = "hello") -> bytes:
    return json.dumps({"update_id": update_id, "message": {"chat": {"id": chat}, "text": text}}).encode()


class Away:
    """The inbox; while `is_away`, it says so."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        def asked(*arguments: Any) -> Any:
            if self.is_away:
                raise StoreUnavailable
            return getattr(self._inbox, name)(*arguments)

        return asked


class Tenant:
    """The other end of the line. `answers` is asked for each post; None leaves it waiting until `answer`."""

    def __init__(self) -> None:
        self.answers: Callable[[int], int | None] = lambda _: 204
        self.posts: list[int] = []
        self.taken: list[int] = []
        self.bodies: dict[str, bytes] = {}
        self.urls: list[str] = []
        self.out: dict[int, asyncio.Future[int]] = {}
        self.most = 0

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> Posted:
        update_id = json.loads(body)["update_id"]
        self.posts.append(update_id)
        self.urls.append(url)
        self.bodies[headers["webhook-id"]] = body
        status = self.answers(update_id)
        if status is None:
            self.out[update_id] = asyncio.get_running_loop().create_future()
            self.most = max(self.most, len(self.out))
            status = await self.out[update_id]
            del self.out[update_id]
        if 200 <= status < 300:
            self.taken.append(update_id)
        return Posted(status, f"HTTP {status}")


class Office:
    def __init__(self, directory: Path) -> None:
        self.store = SQLiteStore(directory / "log.db")
        self.vault = Vault(self.store, [b"a master key"])
        self.ledger = Ledger(self.store)
        self.clock = ManualClock()
        self.timers = ManualTimers(self.clock)
        self.journal = MemoryJournal()
        self._threads = Threads()
        self.notices: list[Notify] = []
        self.ports = Ports(
            self.clock,
            self.timers,
            self.journal,
            ScriptedTelegram(self.clock),
            lambda: 0.5,
            self.vault.seal,
            notify=self.notices.append,
        )
        self.tenant = Tenant()
        self.tenants: dict[int, tuple[str, ...]] = {BOT_ID: (TENANT,)}
        self.configured: list[ConfigureBot] = []
        self.bot = a_registered_bot()
        self.inbox = Away(self.ledger.inbox)
        self.fleet_refuses = False
        self.starts()

    def starts(self) -> None:
        self.journal.commit()
        self.desk = Desk(self.inbox, self.vault.open)  # type: ignore[arg-type]  # passes everything on
        failing: dict[int, Failing] = failing_of(self.journal.events)
        self.arrived = Arrivals()
        self.actor = DeliveryActor.start(
            self.ports,
            self.desk,
            self.tenant,
            lambda bot_id: self.tenants.get(bot_id, ()),
            failing,
            self._fleet,
            self.arrived,
        )

    async def stops(self) -> None:
        await stopped(self.actor)
        await self.desk.close()

    async def _fleet(self, message: ConfigureBot) -> object:
        if self.fleet_refuses:
            return Refused("store_unavailable", "")
        self.configured.append(message)
        self.calls_back(None)
        return None

    def calls_back(self, url: str | None = ADDRESS.url) -> None:
        """The bot's actor has recorded it."""
        sealed = None
        if url is not None:
            address = callback.written(Address(url, ADDRESS.secret))
            sealed = self.vault.seal(TENANT, callback_purpose(BOT_ID), address)
        decided = lives.call_back(self.bot, TENANT, sealed, "tenant", NOON)
        assert isinstance(decided, tuple)
        for event in decided:
            self.becomes(lives.evolve(self.bot, event))

    def becomes(self, after: Bot) -> None:
        before, self.bot = self.bot, after
        self.ports.callbacks.became(before, after)

    def brings(self, *updates: bytes, tenant_id: str = TENANT, age_s: float = 0.0) -> None:
        """Telegram does, and the gateway has recorded it."""
        at = self.clock.utc().timestamp() - age_s
        for body in updates:
            update = read(body)
            event = events.UpdateReceived(
                occurred_at=NOON,
                bot_id=BOT_ID,
                tenant_id=TENANT,
                update_id=update.update_id,
                kind=update.kind,
                via="webhook",
            )
            sealed = self.vault.seal(tenant_id, update_purpose(BOT_ID), body)
            row = InboxRow(BOT_ID, update.update_id, at, update.lane, sealed)
            stream = day_stream(event)
            self.ledger.append([Entry(stream, self.ledger.last_version(stream) + 1, event)], inbox=[row])
        self.arrived(BOT_ID)

    def waiting(self) -> list[int]:
        return [row.update_id for row in self.ledger.inbox.waiting(BOT_ID)]

    def callback(self) -> Callback | None:
        return self.ports.callbacks.of(BOT_ID)

    async def pull(self, offset: int | None = None, limit: int = 100, timeout_s: float = 0.0, name: str = "p") -> Any:
        asked = PullUpdates(BOT_ID, TENANT, name, offset, limit, timeout_s)
        answer = await answer_of(self.actor, asked)
        if isinstance(answer, PulledUpdates):
            return [json.loads(body)["update_id"] for body in answer.updates], answer.next_offset
        return answer.code

    async def until(self, condition: Callable[[], object]) -> None:
        def committed() -> object:
            self.journal.commit()
            return condition()

        await until(committed)

    async def rest(self) -> None:
        """For what must not happen: many turns, in which it would have."""
        await self._threads.rest(self.journal.commit)

    async def advance(self, seconds: float) -> None:
        end = self.clock.steady() + seconds
        await self.rest()
        while (at := self.timers.next()) is not None and at <= end:
            self.timers.advance(at - self.clock.steady())
            await self.rest()
        self.timers.advance(end - self.clock.steady())
        await self.rest()


def on_a_loop(directory: Path, story: Callable[[Office], Awaitable[None]]) -> None:
    async def told() -> None:
        office = Office(directory)
        try:
            await story(office)
        finally:
            for answer in office.tenant.out.values():
                answer.cancel()
            await office.stops()
            office.store.close()

    asyncio.run(told())
