"""An export of a long log: how fast, at what memory, and what commands feel of it; and how live a live stream is."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec

from domain.events import CommandDelivered
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from domain.streams import day_stream
from ops.bench.figures import cpu_s, heading, line, percentile, rss_mb
from ops.bench.load import Rig, rig
from ops.bench.sizes import Sizes

ADMIN_KEY = "the admin's key of a bench, 32 or more"
FIRST_BOT = 7_400_000_001
BOTS, TENANTS, BATCH = 100, 10, 5000
PACE_PER_S = 50.0
SETTLES_S = 1.0
CHUNK = 1 << 16


async def measure(sizes: Sizes, directory: Path) -> None:
    heading(f"An export of all events, {sizes.exported:,} of them")
    with tempfile.TemporaryDirectory(dir=directory) as own:
        _write(Path(own) / "state", sizes.exported)
        async with rig(Path(own), ADMIN_KEY=ADMIN_KEY) as found, _analyst(found) as session:
            await _projected(session)
            await _alone(found, session)
            await _beside_commands(sizes, found, session)
            await _live(sizes, found, session)


async def _alone(found: Rig, session: aiohttp.ClientSession) -> None:
    pid = found.gateway.pid
    before, cpu, began, peak, size, events = rss_mb(pid), cpu_s(pid), time.perf_counter(), 0.0, 0, 0
    async with session.get("/api/events") as answer:
        async for chunk in answer.content.iter_chunked(CHUNK):
            size, events, peak = size + len(chunk), events + chunk.count(b"\n"), max(peak, rss_mb(pid))
    took_s = time.perf_counter() - began
    line("events, bytes", f"{events:,}, {size / 1e6:,.0f} MB")
    line("rate", f"{events / took_s:,.0f} events/s")
    line("the gateway's CPU, every thread", f"{(cpu_s(pid) - cpu) / events * 1e6:.1f} µs an event")
    line("the gateway's memory before, at its highest", f"{before:.0f} MB, {peak:.0f} MB")


async def _beside_commands(sizes: Sizes, found: Rig, session: aiohttp.ClientSession) -> None:
    async def exports() -> None:
        while True:
            async with session.get("/api/events") as answer:
                async for _ in answer.content.iter_chunked(CHUNK):
                    pass

    quiet = await found.load.send_paced(PACE_PER_S, sizes.paced_s / 2)
    exporting = asyncio.create_task(exports())
    beside = await found.load.send_paced(PACE_PER_S, sizes.paced_s / 2)
    exporting.cancel()
    for label, added in (("no export", quiet), ("an export all the time", beside)):
        told = f"{statistics.median(added):.1f} ms, {percentile(added, 0.99):.1f} ms"
        line(f"time added to Telegram's own at {PACE_PER_S:g}/s, {label}", told)


async def _live(sizes: Sizes, found: Rig, session: aiohttp.ClientSession) -> None:
    """From when a command ended, before it was recorded, to its event at the reader."""
    late_ms: list[float] = []

    async def follows(following: asyncio.Event) -> None:
        async with session.get("/api/events/stream", params={"topics": "command-delivered"}) as answer:
            async for text in answer.content:
                following.set()
                if text.startswith(b"data: "):
                    occurred = datetime.fromisoformat(msgspec.json.decode(text[6:])["occurred_at"])
                    late_ms.append((datetime.now(UTC) - occurred).total_seconds() * 1000)

    following = asyncio.Event()
    task = asyncio.create_task(follows(following))
    await following.wait()
    await found.load.send_paced(PACE_PER_S, sizes.paced_s / 2)
    await asyncio.sleep(SETTLES_S)
    task.cancel()
    line("from a command's end to its event on a live stream", f"{statistics.median(late_ms):.1f} ms")
    line("p95", f"{percentile(late_ms, 0.95):.1f} ms")


@asynccontextmanager
async def _analyst(found: Rig) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    forever = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(found.gateway.url, headers=headers, timeout=forever) as session:
        yield session


async def _projected(session: aiohttp.ClientSession) -> None:
    """The views have seen all of it, and are quiet."""
    async with session.get("/api/events", params={"limit": "0"}) as answer:
        head = answer.headers["Botloft-Position"]
    path = f"/admin/system/bot-health/summary?at_least={head}"
    while True:
        async with session.get(path) as answer:
            if answer.ok:
                return


def _write(state_dir: Path, events: int) -> None:
    state_dir.mkdir(parents=True)
    now, versions = datetime.now(UTC) - timedelta(days=14), Counter[str]()
    with closing(SQLiteStore(state_dir / "botloft.db")) as store:
        ledger = Ledger(store)
        for first in range(0, events, BATCH):
            entries = []
            for number in range(first, min(events, first + BATCH)):
                event = _delivered(number, now + timedelta(days=14) * number / events)
                stream = day_stream(event)
                versions[stream] += 1
                entries.append(Entry(stream, versions[stream], event))
            ledger.append(entries)


def _delivered(number: int, at: datetime) -> CommandDelivered:
    return CommandDelivered(
        occurred_at=at,
        bot_id=FIRST_BOT + number % BOTS,
        tenant_id=f"t_{number % TENANTS}",
        command_id=f"0197c5e2-0000-7000-8000-{number:012}",
        method="sendMessage",
        received_at=at - timedelta(milliseconds=60),
        chat=str(number % 1000),
        attempts=1,
        queue_ms=1.5,
        telegram_ms=40.25,
    )
