"""A log that is there before the gateway starts: as large as a test needs it, in a second or two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path

from domain import events as e
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from domain.streams import day_stream, tenant_stream
from tests.examples import NOON, a_delivered

BATCH = 5000


def write_log(state_dir: Path, happened: Iterable[e.Event]) -> None:
    """Into the database of a gateway that has not been started yet."""
    state_dir.mkdir(parents=True, exist_ok=True)
    versions: Counter[str] = Counter()
    events = iter(happened)
    with closing(SQLiteStore(state_dir / "botloft.db")) as store:
        ledger = Ledger(store)
        while batch := list(islice(events, BATCH)):
            entries = []
            for event in batch:
                stream = day_stream(event) if isinstance(event, e.DayEvent) else tenant_stream(event.tenant_id)  # type: ignore[attr-defined]
                versions[stream] += 1
                entries.append(Entry(stream, versions[stream], event))
            ledger.append(entries)


def many_delivered(number: int) -> Iterator[e.Event]:
    """By a hundred bots of ten tenants, a second between two."""
    for n in range(number):
        yield a_delivered(
            f"command {n}",
            occurred_at=NOON + timedelta(seconds=n),
            bot_id=7_000_000_000 + n % 100,
            tenant_id=f"t_{n % 10}",
        )
