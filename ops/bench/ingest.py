"""CPU of an update by webhook, recorded and on disk, against aiogram's own handler, which records nothing."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec

from actors.webhook import MAX_CONNECTIONS, PREFIX, PURPOSES, purpose
from domain import events, streams
from domain.store.database import database_at, sqlite_url
from domain.store.key_file import KeyFile
from domain.store.ledger import Ledger
from domain.store.vault import Vault
from gateway.intake import SECRET
from ops.bench.figures import cpu_s, heading, line, spread
from ops.bench.load import FIRST_BOT, LIMITS_HIGH
from ops.bench.sizes import CHATS, CONCURRENCY, Sizes
from ops.demo.caller import OK, Caller
from ops.demo.processes import child, loft
from ops.sandbox.tokens import made_up

BOTS = 8
SET_WITHIN_S = 30.0
LOOK_S = 0.1


class Door(NamedTuple):
    url: str
    secret: str


class Side(NamedTuple):
    label: str
    pid: int
    doors: Sequence[Door]


class NotTaken(Exception):
    """A bench that measures refusals measures nothing."""


async def measure(sizes: Sizes, directory: Path) -> None:
    each = sizes.commands_a_round
    async with AsyncExitStack() as stack:
        own = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=directory)))
        port = _free_port()
        settings = {**LIMITS_HIGH, "PORT": port, "PUBLIC_URL": f"http://127.0.0.1:{port}"}
        _, gateway = await stack.enter_async_context(loft(own, settings, ("--open", "--no-calls")))
        bare = await stack.enter_async_context(child("aiogram", ("-m", "ops.bench.bare_webhook"), own))
        server = await stack.enter_async_context(child("uvicorn", ("-m", "ops.bench.bare_asgi"), own))
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        ours = await _webhooks(Caller(session, gateway.url), own / "state")
        theirs = [Door(f"{bare.url}{PREFIX}{made_up(FIRST_BOT + number)}", "") for number in range(BOTS)]
        sides = (
            Side("whole gateway, every thread, recorded", gateway.pid, ours),
            Side("aiogram's TokenBasedRequestHandler", bare.pid, theirs),
            Side("the HTTP server alone, answering 200", server.pid, [Door(server.url, "")]),
        )
        numbers = count(1)
        for at_once in (BOTS * MAX_CONNECTIONS, CONCURRENCY):
            heading(f"CPU of one update by webhook, {at_once} at a time, {sizes.rounds} rounds of {each} in turns")
            bring = partial(_brought, session, numbers=numbers, at_once=at_once)
            for side in sides:
                await bring(side.doors, updates=each // 4)
            found: list[list[float]] = [[] for _ in sides]
            for _ in range(sizes.rounds):
                for side, us in zip(sides, found, strict=True):
                    before = cpu_s(side.pid)
                    await bring(side.doors, updates=each)
                    us.append((cpu_s(side.pid) - before) / each * 1e6)
            _told(sides, found)


def _told(sides: Sequence[Side], found: Sequence[Sequence[float]]) -> None:
    for side, us in zip(sides, found, strict=True):
        line(side.label, spread(us, "µs"))
    gateway_us, aiogram_us, server_us = found
    for label, one_us in (("gateway beside aiogram", gateway_us), ("the server alone beside it", server_us)):
        ratios = [one / other for one, other in zip(one_us, aiogram_us, strict=True) if other]
        if ratios:
            line(f"{label}, round by round", spread(ratios, "times", 2))


async def _webhooks(caller: Caller, state: Path) -> list[Door]:
    """Of bots whose webhooks are set: where Telegram brings their updates."""
    tenant = await caller.register_tenant("Bench")
    for number in range(BOTS):
        bot = await caller.register_bot(tenant, made_up(FIRST_BOT + number))
        await caller.configure(bot, {"updates": "webhook"})
    async with asyncio.timeout(SET_WITHIN_S):
        while len(doors := _doors(caller.url, state)) < BOTS:  # noqa: ASYNC110  another process makes them
            await asyncio.sleep(LOOK_S)
    return doors


def _doors(url: str, state: Path) -> list[Door]:
    """Only the vault tells."""
    with closing(database_at(sqlite_url(state / "botloft.db")).opened()) as store:
        vault = Vault(store, KeyFile(state / "master.key").keys())
        recorded = (one.event for one in Ledger(store).streams_under(streams.UPDATES))
        return [
            Door(f"{url}{PREFIX}{_opened(vault, one, 0)}", _opened(vault, one, 1))
            for one in recorded
            if isinstance(one, events.WebhookSet)
        ]


def _opened(vault: Vault, one: events.WebhookSet, which: int) -> str:
    sealed = (one.path_sealed, one.secret_sealed)[which]
    return vault.open(one.tenant_id, purpose(PURPOSES[which], one.bot_id), sealed).decode()


async def _brought(
    session: aiohttp.ClientSession, doors: Sequence[Door], *, numbers: Iterator[int], at_once: int, updates: int
) -> None:
    left = iter(range(updates))

    async def some() -> None:
        for _ in left:
            number = next(numbers)
            door = doors[number % len(doors)]
            headers = {"Content-Type": "application/json", SECRET.decode(): door.secret}
            async with session.post(door.url, data=_update(number), headers=headers) as response:
                await response.read()
                if response.status != OK:
                    raise NotTaken(str(response.status))

    await asyncio.gather(*(some() for _ in range(at_once)))


def _update(number: int) -> bytes:
    """A message as Telegram brings it."""
    user_id = 1 + number % CHATS
    user = {"id": user_id, "is_bot": False, "first_name": "Ada", "username": "ada", "language_code": "en"}
    chat = {"id": user_id, "first_name": "Ada", "username": "ada", "type": "private"}
    message = {"message_id": number, "from": user, "chat": chat, "date": 1_700_000_000, "text": f"Message {number}"}
    return msgspec.json.encode({"update_id": number, "message": message})


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
