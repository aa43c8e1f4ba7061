"""Durable events a second, through the journal with full sync: one by one, and many in flight."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from contextlib import closing
from itertools import count
from pathlib import Path

import uuid_utils

from actors.journal import Journal
from domain.events import CommandDelivered
from domain.recovery import OpenThings
from domain.store.database import database_at
from domain.store.ledger import Ledger
from domain.store.sqlite import SQLiteStore
from domain.store.store import Store
from ops.bench import library
from ops.bench.figures import heading, line
from ops.bench.sizes import Sizes
from ops.clock import SystemClock

IN_FLIGHT = 1000
BOTS = 100
FIRST_BOT = 7_300_000_001
CLOSE_S = 30.0
SYNCS = 50


async def measure(sizes: Sizes, directory: Path) -> None:
    heading("Durable events recorded, SQLite with full sync")
    with tempfile.TemporaryDirectory(dir=directory) as own, closing(SQLiteStore(Path(own) / "botloft.db")) as store:
        line("one fsync of this disk", f"{_sync_ms(Path(own)):.2f} ms")
        grouped = await _measured(store, sizes)
        saved = library.saved_per_s(map(delivered, count()), sizes.recorded_singly, Path(own))
    line("the library's Application.save, one event each", f"{saved:,.0f} events/s")
    line("ours, in flight, beside it", f"{grouped / saved:.0f} times")


async def measure_postgres(sizes: Sizes, url: str) -> None:
    """In a database that this makes its own: an empty one."""
    database = database_at(url)
    database.migrate(SystemClock().utc().date(), dry_run=False)
    with closing(database.opened()) as store:
        heading(f"Durable events recorded, {database.name}")
        if store.head():
            line("not measured", "there are events in it; give an empty database")
            return
        await _measured(store, sizes)


async def _measured(store: Store, sizes: Sizes) -> float:
    """Events a second in flight."""
    journal = Journal(Ledger(store), OpenThings(), SystemClock(), max_backlog=2 * IN_FLIGHT)
    recorder = _Recorder(journal)
    await recorder.record(sizes.recorded_singly // 4, 1)
    singly = await recorder.record(sizes.recorded_singly, 1)
    grouped = await recorder.record(sizes.recorded_in_groups, IN_FLIGHT)
    await journal.close(CLOSE_S)
    line("one at a time, each awaited", f"{singly:,.0f} events/s")
    line(f"{IN_FLIGHT} in flight", f"{grouped:,.0f} events/s")
    line("ratio", f"{grouped / singly:.0f} times")
    return grouped


class _Recorder:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._numbers = count()

    async def record(self, events: int, in_flight: int) -> float:
        """How many a second."""
        left = iter(range(events))

        async def some() -> None:
            for _ in left:
                await self._one()

        began = time.perf_counter()
        await asyncio.gather(*(some() for _ in range(in_flight)))
        return events / (time.perf_counter() - began)

    async def _one(self) -> None:
        recorded = asyncio.get_running_loop().create_future()
        self._journal.note(delivered(next(self._numbers)), recorded.set_result)
        await recorded


def delivered(number: int) -> CommandDelivered:
    now = SystemClock().utc()
    return CommandDelivered(
        occurred_at=now,
        bot_id=FIRST_BOT + number % BOTS,
        tenant_id="t_bench",
        command_id=str(uuid_utils.uuid7()),
        method="sendMessage",
        received_at=now,
        chat=str(number),
        attempts=1,
        queue_ms=1.5,
        telegram_ms=40.25,
    )


def _sync_ms(directory: Path) -> float:
    taken = []
    with (directory / "sync").open("wb") as file:
        for _ in range(SYNCS):
            file.write(b"botloft " * 512)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)
