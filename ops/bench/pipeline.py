"""The way of a command through the actors without any HTTP, and the log that this leaves, projected from zero."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from itertools import chain, islice, repeat
from pathlib import Path

from domain.store.ledger import Ledger
from domain.store.sqlite import SQLiteStore
from ops.bench.figures import heading, line
from ops.bench.sizes import CONCURRENCY, Sizes
from ops.bench.within import collected_as_served, each_once, loft_within, registered
from projections.all import all_projections
from projections.runner import Runner
from projections.views import Views

BOTS = 50
WARM_UP = 200


async def measure(sizes: Sizes, directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as own:
        await _walked(sizes, Path(own))
        _rebuilt(sizes, Path(own))


async def _walked(sizes: Sizes, directory: Path) -> None:
    heading(f"{sizes.pipeline} commands through the actors without HTTP, {CONCURRENCY} at a time")
    async with loft_within(directory) as loft:
        bots = await registered(loft, BOTS)
        every = chain.from_iterable(repeat(bots))
        await each_once(loft, list(islice(every, WARM_UP)), CONCURRENCY)
        wanted = list(islice(every, sizes.pipeline))
        with collected_as_served():
            all_before, loop_before = time.process_time(), time.thread_time()
            await each_once(loft, wanted, CONCURRENCY)
            loop_s, all_s = time.thread_time() - loop_before, time.process_time() - all_before
    line("CPU of the event loop: actors and this caller", f"{loop_s / sizes.pipeline * 1e6:.0f} µs")
    line("CPU of every thread: journal and projections too", f"{all_s / sizes.pipeline * 1e6:.0f} µs")


def _rebuilt(sizes: Sizes, directory: Path) -> None:
    heading("All projections rebuilt from zero")
    with closing(SQLiteStore(directory / "botloft.db")) as store, closing(Views(directory / "again.db")) as views:
        runner = Runner(Ledger(store), views, all_projections())
        began = time.perf_counter()
        runner.catch_up()
        took_s = time.perf_counter() - began
        line(f"{runner.position()} events of {sizes.pipeline} commands", f"{runner.position() / took_s:,.0f} events/s")
