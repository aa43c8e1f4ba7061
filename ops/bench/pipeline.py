"""The way of a command through the actors without any HTTP, and the log that this leaves, projected from zero."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from itertools import chain, islice, repeat
from pathlib import Path

from domain.store.ledger import Ledger
from domain.store.sqlite import SQLiteStore
from ops.bench.figures import heading, line, spread
from ops.bench.library import RelaxedView, projected_per_s
from ops.bench.sizes import CONCURRENCY, Sizes
from ops.bench.within import collected_as_served, each_once, loft_within, registered
from projections.all import all_projections
from projections.runner import Runner
from projections.views import Views

BOTS = 50
WARM_UP = 200
REBUILDS = 3


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
    """In turns with the library's own runner, which gets the newest events of the same log."""
    heading("All projections rebuilt from zero, beside the library's ProjectionRunner with the same folds")
    with closing(SQLiteStore(directory / "botloft.db")) as store:
        ledger = Ledger(store)
        some = ledger.read(max(0, ledger.head() - sizes.by_library), sizes.by_library)
        ours, relaxed, as_it_comes = [], [], []
        for number in range(REBUILDS):
            ours.append(_rebuilt_per_s(ledger, directory / f"again-{number}.db"))
            relaxed.append(projected_per_s(some, directory / f"relaxed-{number}.db", RelaxedView))
            as_it_comes.append(projected_per_s(some, directory / f"library-{number}.db"))
        line(f"{ledger.head()} events of {sizes.pipeline} commands", spread(ours, "events/s"))
    for label, theirs in (("as it comes", as_it_comes), ("its view without sync", relaxed)):
        line(f"ProjectionRunner, {label}, {len(some)} events", spread(theirs, "events/s"))
        line("ratio", spread([our / their for our, their in zip(ours, theirs, strict=True)], "times"))


def _rebuilt_per_s(ledger: Ledger, path: Path) -> float:
    with closing(Views(path)) as views:
        runner = Runner(ledger, views, all_projections())
        began = time.perf_counter()
        runner.catch_up()
        return runner.position() / (time.perf_counter() - began)
