"""A loft inside this process, whose Telegram answers at once: what is left is ours."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import msgspec
import uuid_utils

from actors.messages import BotChanged, Execute, RegisterBot
from domain.command import Command, Outcome
from domain.failure import Answer, Delivered, Final
from domain.rules.tokens import Token, parse
from ops.bench.sizes import CHATS
from ops.sandbox.tokens import made_up
from ops.serving import GC_THRESHOLDS
from ops.settings import Settings
from ops.wiring import Loft, running

FIRST_BOT = 7_200_000_001
TENANT = "t_bench"
AWAKE_MAX = 1_000_000
"""Who counts what an awake bot costs wants none put to sleep."""
DEADLINE_S = 60.0
REGISTERED_AT_ONCE = 200
SENT = b'{"message_id":1,"date":1700000000,"chat":{"id":1,"type":"private"},"text":"Message"}'


class Failed(Exception):
    """A bench that measures refusals measures nothing."""


class InstantTelegram:
    """The `Calling` port without a network."""

    async def ask(self, token: Token, method: str, parameters: Mapping[str, object], timeout_s: float) -> Answer:
        del parameters, timeout_s
        if method == "getMe":
            return Delivered(msgspec.json.encode({"id": token.bot_id, "first_name": "Bench", "username": "bench_bot"}))
        return Delivered(SENT)

    def call(
        self,
        token: Token,
        method: str,
        parameters: Mapping[str, object],
        timeout_s: float,
        then: Callable[[Answer], None],
    ) -> None:
        del token, method, parameters, timeout_s
        asyncio.get_running_loop().call_soon(then, Delivered(SENT))

    async def close(self) -> None:
        pass


@asynccontextmanager
async def loft_within(directory: Path) -> AsyncIterator[Loft]:
    settings = Settings(
        state_dir=directory,
        fleet_rps=1e5,
        bot_rps=1e5,
        chat_rps=1e5,
        group_rpm=1e6,
        max_in_flight=200,
        max_active_bots=AWAKE_MAX,
    )
    async with running(settings, telegram=InstantTelegram) as loft:
        yield loft


@contextmanager
def collected_as_served() -> Iterator[None]:
    """The garbage collector as `botloft serve` sets it."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def registered(loft: Loft, bots: int) -> list[int]:
    """Registers so many and gives their ids."""
    ids = range(FIRST_BOT, FIRST_BOT + bots)
    left = iter(ids)

    async def one(bot_id: int) -> None:
        token = parse(made_up(bot_id))
        reply = await loft.fleet.ask(RegisterBot(TENANT, token), block=False) if token else None
        if not isinstance(reply, BotChanged):
            raise Failed(str(reply))

    async def some() -> None:
        for bot_id in left:
            await one(bot_id)

    # Alone: it makes the tenant's data key.
    await one(next(left))
    await asyncio.gather(*(some() for _ in range(REGISTERED_AT_ONCE)))
    return list(ids)


_numbers = count()


async def command(loft: Loft, bot_id: int, method: str = "sendMessage", deadline_s: float = DEADLINE_S) -> None:
    number = next(_numbers)
    chat = 1 + number % CHATS
    asked = Command(
        command_id=str(uuid_utils.uuid7()),
        bot_id=bot_id,
        tenant_id=TENANT,
        method=method,
        parameters={"chat_id": chat, "text": f"Message {number}"} if method == "sendMessage" else {},
        chat=str(chat) if method == "sendMessage" else None,
        received_at=loft.clock.utc(),
        deadline_s=deadline_s,
    )
    outcome = await loft.fleet.ask(Execute(asked), block=False)
    if not isinstance(outcome, Outcome) or outcome.final is not Final.DELIVERED:
        raise Failed(str(outcome))


async def each_once(loft: Loft, bots: Sequence[int], at_once: int, deadline_s: float = DEADLINE_S) -> None:
    """One message by each of them; a bot that sleeps is woken by it."""
    left = iter(bots)

    async def some() -> None:
        for bot_id in left:
            await command(loft, bot_id, deadline_s=deadline_s)

    await asyncio.gather(*(some() for _ in range(at_once)))
