"""What an idle bot costs: bytes while it is awake and while it is passivated, and the time to wake one."""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.messages import DescribeFleet, FleetState
from ops.bench.figures import heading, line
from ops.bench.sizes import Sizes
from ops.bench.within import Failed, collected_as_served, command, each_once, loft_within, registered
from ops.wiring import Loft

AT_ONCE = 200
SETTLED_S = 30.0
PASSED_S = 0.5
SHOWN_FILES = 6


async def measure(sizes: Sizes, directory: Path) -> None:
    heading(f"An idle bot, {sizes.bots} of them, each having sent a message")
    with tempfile.TemporaryDirectory(dir=directory) as empty, tempfile.TemporaryDirectory(dir=directory) as own:
        async with loft_within(Path(own)) as loft:
            bots = await registered(loft, sizes.bots + sizes.wakes)
            await _settled(loft)
        with _traced():
            fixed = await _bytes_of_start(Path(empty))
            before = _bytes()
            async with loft_within(Path(own)) as loft:
                await _settled(loft)
                asleep = _bytes() - before - fixed
                snapshot = tracemalloc.take_snapshot()
                start = _bytes()
                await each_once(loft, bots[: sizes.bots], AT_ONCE, sizes.idle_deadline_s)
                await _settled(loft)
                # Until its deadline a command's timer is still set.
                await asyncio.sleep(sizes.idle_deadline_s + PASSED_S)
                grown_by = _bytes() - start
                await _all_awake(loft, sizes.bots)
                grown = tracemalloc.take_snapshot().compare_to(snapshot, "filename")
                tracemalloc.stop()
                line("passivated: a slot", f"{asleep / len(bots):.0f} bytes")
                line("awake: with all that is kept of it", f"{grown_by / sizes.bots:.0f} bytes more")
                for found in grown[:SHOWN_FILES]:
                    file = "/".join(Path(found.traceback[0].filename).parts[-2:])
                    line(f"  of which by {file}", f"{found.size_diff / sizes.bots:.0f} bytes")
                await _woken(loft, bots[: sizes.wakes], bots[sizes.bots :])


async def _woken(loft: Loft, awake: list[int], asleep: list[int]) -> None:
    """A command of one that sleeps beside one of one that is awake, in turns: what else goes on strikes both alike."""
    with collected_as_served():
        pairs = [await _pair(loft, *of_two) for of_two in zip(awake, asleep, strict=True)]
    cpu_s, took_s = (
        statistics.median(pair[1][what] for pair in pairs) - statistics.median(pair[0][what] for pair in pairs)
        for what in (0, 1)
    )
    line("waking one while the others are awake, CPU", f"{cpu_s * 1e6:.0f} µs")
    line("and how much longer its command takes", f"{took_s * 1e6:.0f} µs")


async def _pair(loft: Loft, awake: int, asleep: int) -> tuple[tuple[float, float], tuple[float, float]]:
    await command(loft, awake, "getMe")
    return await _timed(loft, awake), await _timed(loft, asleep)


async def _timed(loft: Loft, bot_id: int) -> tuple[float, float]:
    """CPU of every thread, and time."""
    cpu_before, before = time.process_time(), time.perf_counter()
    await command(loft, bot_id, "getMe")
    return time.process_time() - cpu_before, time.perf_counter() - before


async def _bytes_of_start(directory: Path) -> int:
    """What a loft without a single bot takes, once everything has been loaded."""
    async with loft_within(directory) as loft:
        await each_once(loft, await registered(loft, 1), 1)
    before = _bytes()
    async with loft_within(directory) as loft:
        await _settled(loft)
        return _bytes() - before


async def _all_awake(loft: Loft, bots: int) -> None:
    """Where some sleep, what is kept of them too would be counted as the others'."""
    state: FleetState = await loft.fleet.ask(DescribeFleet(), block=False)
    if state.awake != bots:
        raise Failed(f"only {state.awake} of {bots} bots are awake")


async def _settled(loft: Loft) -> None:
    await loft.runner.wait_for(loft.ledger.head(), SETTLED_S)
    await asyncio.sleep(0)


@contextmanager
def _traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def _bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
