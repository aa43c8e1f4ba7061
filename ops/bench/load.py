"""Load on a gateway that is a process of its own: so many commands, 32 at a time or at a steady pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import aiohttp

from ops.bench.sizes import CHATS, CONCURRENCY
from ops.demo.caller import OK, Answer, Bot, Caller
from ops.demo.processes import Child, loft
from ops.sandbox.tokens import made_up

BOTS = 8
FIRST_BOT = 7_100_000_001
LIMITS_HIGH = {
    "FLEET_RPS": 100_000,
    "BOT_RPS": 100_000,
    "CHAT_RPS": 100_000,
    "GROUP_RPM": 1_000_000,
    "MAX_IN_FLIGHT": 200,
}
"""On, so that they cost what they cost, and so high that nothing waits."""


class NotDelivered(Exception):
    """A bench that measures refusals measures nothing."""


class Rig(NamedTuple):
    sandbox: Child
    gateway: Child
    load: Load


@asynccontextmanager
async def rig(directory: Path, **settings: object) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        flags = ("--open", "--no-calls")
        sandbox, gateway = await stack.enter_async_context(loft(directory, {**LIMITS_HIGH, **settings}, flags))
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        caller = Caller(session, gateway.url)
        tenants = [await caller.register_tenant(f"Bench {n}") for n in range(2)]
        bots = [await caller.register_bot(tenants[n % 2], made_up(FIRST_BOT + n)) for n in range(BOTS)]
        yield Rig(sandbox, gateway, Load(caller, bots))


class Load:
    def __init__(self, caller: Caller, bots: Sequence[Bot]) -> None:
        self._caller, self._bots = caller, bots
        self._numbers = count()

    @property
    def key(self) -> str:
        """Of the first tenant."""
        return self._bots[0].tenant.key

    async def send(self, commands: int) -> None:
        """Keeps 32 in flight until all are delivered."""
        left = iter(range(commands))

        async def some() -> None:
            for _ in left:
                await self._one()

        await asyncio.gather(*(some() for _ in range(CONCURRENCY)))

    async def send_paced(self, per_s: float, seconds: float) -> list[float]:
        """Milliseconds that each command took beyond Telegram's own."""
        loop = asyncio.get_running_loop()
        began, commands = loop.time(), int(per_s * seconds)
        tasks = []
        for number in range(commands):
            await asyncio.sleep(max(0.0, began + number / per_s - loop.time()))
            tasks.append(asyncio.create_task(self._timed()))
        return list(await asyncio.gather(*tasks))

    async def _timed(self) -> float:
        began = time.perf_counter()
        answer = await self._one()
        return (time.perf_counter() - began) * 1000 - float(answer.content["telegram_ms"])

    async def _one(self) -> Answer:
        number = next(self._numbers)
        parameters = {"chat_id": 1 + number % CHATS, "text": f"Message {number} of the gateway"}
        answer = await self._caller.command(self._bots[number % len(self._bots)], "sendMessage", parameters)
        if answer.status != OK:
            raise NotDelivered(str(answer.content))
        return answer
