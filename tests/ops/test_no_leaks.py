"""Ten thousand bots' lives, one after another: what the process holds afterwards is what it held before."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import uuid_utils
import uvloop

from actors.messages import DescribeFleet, Execute, RegisterBot, RegisterTenant
from actors.passivation import BEAT
from actors.telegram import Telegram
from domain.command import Command
from domain.failure import Answer
from domain.rules.tokens import Token, parse
from ops.sandbox.server import running as sandbox
from ops.settings import Settings
from ops.wiring import Loft, running

BOTS = range(1_000_001, 1_000_051)
WARM_UP, ROUNDS = 20, 200
FAILS_EVERY = 10


class Held(NamedTuple):
    descriptors: int
    tasks: int
    threads: int
    objects: int


def held() -> Held:
    gc.collect()
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return Held(descriptors, len(asyncio.all_tasks()), threading.active_count(), len(gc.get_objects()))


class Stumbling(Telegram):
    """Now and then a bot's call fails by an error of ours, and its actor with it."""

    next_to_fall: int | None = None

    def call(
        self,
        token: Token,
        method: str,
        parameters: Mapping[str, object],
        timeout_s: float,
        then: Callable[[Answer], None],
    ) -> None:
        if token.bot_id == self.next_to_fall:
            self.next_to_fall = None
            raise ZeroDivisionError("a bug")
        super().call(token, method, parameters, timeout_s, then)


async def one_life(loft: Loft, tenant_id: str, bot_id: int) -> str:
    command = Command(
        command_id=str(uuid_utils.uuid7()),
        bot_id=bot_id,
        tenant_id=tenant_id,
        method="getMe",
        parameters={},
        chat=None,
        received_at=datetime.now(UTC),
        deadline_s=20,
    )
    return str((await loft.fleet.ask(Execute(command), block=False)).final)


async def lives(loft: Loft, telegram: Stumbling, tenant_id: str, rounds: int) -> set[str]:
    """Each round every bot wakes, works and falls asleep again; in some of them one fails and is started again."""
    outcomes: set[str] = set()
    for number in range(rounds):
        telegram.next_to_fall = BOTS[number // FAILS_EVERY] if number % FAILS_EVERY == 0 else None
        outcomes |= set(await asyncio.gather(*(one_life(loft, tenant_id, bot_id) for bot_id in BOTS)))
        while (await loft.fleet.ask(DescribeFleet(), block=False)).awake:
            loft.fleet.tell(BEAT)
    return outcomes


async def measured(state: Path) -> tuple[Held, Held, set[str], bool]:
    made: list[Stumbling] = []

    def telegram() -> Stumbling:
        made.append(Stumbling(base, 20))
        return made[0]

    async with sandbox(is_open=True, keep_calls=False) as base:
        settings = Settings(state_dir=state, fleet_rps=0, bot_rps=0, idle_timeout_s=0.001)
        async with running(settings, telegram=telegram) as loft:
            tenant_id = (await loft.accounts.ask(RegisterTenant("Acme"), block=False)).tenant_id
            for bot_id in BOTS:
                token = parse(f"{bot_id}:AAHexamplesAreNotSecretsAtAll_0123456")
                assert token is not None
                await loft.fleet.ask(RegisterBot(tenant_id, token), block=False)
            await lives(loft, made[0], tenant_id, WARM_UP)
            before = held()
            outcomes = await lives(loft, made[0], tenant_id, ROUNDS)
            after = held()
    return before, after, outcomes, made[0].is_closed


@pytest.fixture
def nothing_logged() -> Iterator[None]:
    """pytest keeps every record, traceback and all."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("nothing_logged")
def test_ten_thousand_lives_leave_no_connection_task_thread_or_object_behind(tmp_path: Path) -> None:
    before, after, outcomes, closed = uvloop.run(measured(tmp_path))

    assert outcomes == {"delivered"}
    assert after.descriptors <= before.descriptors + 2
    assert after.tasks <= before.tasks + 2
    assert after.threads <= before.threads + 1
    assert after.objects <= before.objects * 1.02
    assert closed
