"""A whole gateway command against a bare `await bot.send_message()`: CPU side by side, and the time it adds."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ops.bench.figures import cpu_s, heading, line, percentile, spread
from ops.bench.load import Rig, rig
from ops.bench.sizes import CONCURRENCY, Sizes
from ops.demo.processes import ROOT

PACE_PER_S = 200.0


async def measure(sizes: Sizes, directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as own:
        async with rig(Path(own)) as found:
            await _side_by_side(sizes, found)
            await _added(sizes, found)


async def _side_by_side(sizes: Sizes, found: Rig) -> None:
    heading(
        f"CPU of one sendMessage, {CONCURRENCY} at a time, {sizes.rounds} rounds of {sizes.commands_a_round} in turns"
    )
    async with _bare(found.sandbox.url) as bare:
        await found.load.send(sizes.commands_a_round // 4)
        await _told(bare, sizes.commands_a_round // 4)
        gateway, aiogram = [], []
        for _ in range(sizes.rounds):
            before = cpu_s(found.gateway.pid)
            await found.load.send(sizes.commands_a_round)
            gateway.append((cpu_s(found.gateway.pid) - before) / sizes.commands_a_round * 1e6)
            before = cpu_s(bare.pid)
            await _told(bare, sizes.commands_a_round)
            aiogram.append((cpu_s(bare.pid) - before) / sizes.commands_a_round * 1e6)
    line("whole gateway command, every thread", spread(gateway, "µs"))
    line("bare await bot.send_message(), stock aiogram", spread(aiogram, "µs"))
    ratios = [ours / theirs for ours, theirs in zip(gateway, aiogram, strict=True) if theirs]
    if ratios:
        line("ratio, round by round", spread(ratios, "times", 2))


async def _added(sizes: Sizes, found: Rig) -> None:
    heading(f"Time added to Telegram's own, at {PACE_PER_S:g} commands/s for {sizes.paced_s:g} s")
    await found.load.send_paced(PACE_PER_S, min(2.0, sizes.paced_s))
    added = await found.load.send_paced(PACE_PER_S, sizes.paced_s)
    line("HTTP total less telegram_ms, p50", f"{statistics.median(added):.1f} ms")
    line("p99", f"{percentile(added, 0.99):.1f} ms")


@asynccontextmanager
async def _bare(base_url: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops.bench.bare", base_url, stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    try:
        await _heard(process, b"ready\n")
        yield process
    finally:
        assert process.stdin is not None  # noqa: S101  made with a pipe
        process.stdin.close()
        await process.wait()


async def _told(process: Process, commands: int) -> None:
    assert process.stdin is not None  # noqa: S101  made with a pipe
    process.stdin.write(b"%d\n" % commands)
    await process.stdin.drain()
    await _heard(process, b"done\n")


async def _heard(process: Process, word: bytes) -> None:
    assert process.stdout is not None  # noqa: S101  made with a pipe
    if await process.stdout.readline() != word:
        raise RuntimeError("the bare bot has died")
