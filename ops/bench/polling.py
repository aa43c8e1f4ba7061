"""What it takes when very many bots fetch their updates in one process."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from ops.bench.figures import cpu_s, heading, line, rss_mb
from ops.bench.load import FIRST_BOT, LIMITS_HIGH
from ops.bench.sizes import CONCURRENCY, Sizes
from ops.demo.caller import Caller
from ops.demo.processes import loft
from ops.sandbox.tokens import made_up

POLL_WITHIN_S = 60.0
LOOK_S = 0.1


async def measure(sizes: Sizes, directory: Path) -> None:
    heading(f"{sizes.polling} bots that poll, in one process")
    async with AsyncExitStack() as stack:
        own = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=directory)))
        settings = {**LIMITS_HIGH, "MAX_POLLS": sizes.polling}
        _, gateway = await stack.enter_async_context(loft(own, settings, ("--open", "--no-calls")))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        files, memory_mb = _open_files(gateway.pid), rss_mb(gateway.pid)
        await _all_poll(Caller(session, gateway.url), sizes.polling)
        async with asyncio.timeout(POLL_WITHIN_S):
            while _open_files(gateway.pid) < files + sizes.polling:  # noqa: ASYNC110  another process opens them
                await asyncio.sleep(LOOK_S)
        before = cpu_s(gateway.pid)
        await asyncio.sleep(sizes.paced_s)
        used_s = cpu_s(gateway.pid) - before
        line("file descriptors, before and with all of them", f"{files} and {_open_files(gateway.pid)}")
        line("memory, before and with all of them", f"{memory_mb:.0f} and {rss_mb(gateway.pid):.0f} MB")
        line("CPU while nothing comes", f"{used_s / sizes.paced_s * 1000:.0f} ms a second")


async def _all_poll(caller: Caller, bots: int) -> None:
    tenant = await caller.register_tenant("Bench")
    left = iter(range(FIRST_BOT, FIRST_BOT + bots))

    async def some() -> None:
        for bot_id in left:
            await caller.configure(await caller.register_bot(tenant, made_up(bot_id)), {"updates": "polling"})

    await asyncio.gather(*(some() for _ in range(CONCURRENCY)))


def _open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
