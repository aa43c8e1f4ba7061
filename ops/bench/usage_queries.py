"""`python -m ops.bench.usage_queries`: how long analysts' questions take over a month of a million events."""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from domain import events
from domain.failure import Category
from domain.store.mapper import Recorded
from ops.bench.figures import heading, line, machine, percentile
from projections import usage
from projections.runner import BATCH
from projections.views import Views

NOW = datetime(2026, 7, 31, 12, 30, tzinfo=UTC)
DAYS = 30
TENANTS, BOTS, CHATS = 50, 200, 5000
FIRST_BOT = 7_400_000_001
METHODS = ("sendMessage",) * 7 + ("sendPhoto", "editMessageText", "getChat")
ROUNDS = 20
CUT = usage.Slice(20)


def measure(total: int, directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as own, closing(Views(Path(own) / "views.db")) as views:
        heading(f"{total} events of {BOTS} bots in {DAYS} days, projected by usage alone")
        line("folded, of CPU", f"{_folded(total, views) / total * 1e6:.1f} µs an event")
        line("views.db", f"{views.path.stat().st_size / 1e6:.0f} MB")
        heading(f"Questions over it: p50 and p95 of {ROUNDS} rounds, by the clock and of CPU")
        everything: list[_Taken] = []
        for name, ask in _questions(views).items():
            taken = [_taken(ask) for _ in range(ROUNDS)]
            everything += taken
            line(name, _told(taken))
        line("all of them", _told(everything))


def _questions(views: Views) -> dict[str, Callable[[], object]]:
    week, month = usage.last_days(7, NOW), usage.last_days(DAYS, NOW)
    found: dict[str, Callable[[], object]] = {}
    for who, whose in {
        "bot": usage.Whose(_tenant(0), FIRST_BOT),
        "tenant": usage.Whose(_tenant(0)),
        "fleet": usage.Whose(),
    }.items():
        found[f"{who}: summary"] = partial(usage.summary, views, whose, NOW)
        for span, days in ((week, "7 days"), (month, "30 days")):
            found[f"{who}: trends, {days}"] = partial(usage.trends, views, whose, span, usage.By.DAY, NOW)
            found[f"{who}: errors, {days}"] = partial(usage.errors, views, whose, span, CUT, NOW)
            found[f"{who}: chats, {days}"] = partial(usage.chats, views, whose, span, CUT)
            found[f"{who}: methods, {days}"] = partial(usage.methods, views, whose, span, CUT)
    found["fleet: tenants, 7 days"] = partial(usage.tenants, views, usage.Whose(), week, CUT)
    return found


class _Taken(NamedTuple):
    wall_ms: float
    cpu_ms: float


def _taken(ask: Callable[[], object]) -> _Taken:
    began, cpu_began = time.perf_counter(), time.thread_time()
    ask()
    cpu_s, wall_s = time.thread_time() - cpu_began, time.perf_counter() - began
    return _Taken(wall_s * 1000, cpu_s * 1000)


def _told(taken: Sequence[_Taken]) -> str:
    wall, cpu = [one.wall_ms for one in taken], [one.cpu_ms for one in taken]
    return ", ".join(f"{percentile(of, share):.1f}" for of in (wall, cpu) for share in (0.5, 0.95)) + " ms"


def _folded(total: int, views: Views) -> float:
    """Seconds of CPU that the folds took."""
    projection = usage.UsageProjection()
    views.prepare([projection])
    happened = (Recorded(number, "bench", number, event) for number, event in enumerate(_events(total), 1))
    took_s = 0.0
    while batch := list(islice(happened, BATCH)):
        began = time.thread_time()
        with views.writing() as connection:
            projection.fold(batch, connection)
        took_s += time.thread_time() - began
    return took_s


def _events(total: int) -> Iterator[events.Event]:
    """The busiest have most of it, as it is with bots and with chats; more in daylight; one in twenty goes wrong."""
    chance = random.Random(1)  # noqa: S311  the same month each time
    begin = NOW - timedelta(days=DAYS)
    for number in range(total):
        bot = int(BOTS * chance.random() ** 3)
        at = begin + timedelta(days=DAYS) * (number / total)
        common = {
            "occurred_at": at,
            "received_at": at,
            "bot_id": FIRST_BOT + bot,
            "tenant_id": _tenant(bot),
            "command_id": str(number),
            "method": chance.choice(METHODS),
            "chat": str(1 + int(CHATS * chance.random() ** 2)),
        }
        yield _event(common, chance)


def _event(common: dict[str, object], chance: random.Random) -> events.Event:
    took = {"attempts": 1, "queue_ms": chance.expovariate(1 / 5), "telegram_ms": 30 + chance.expovariate(1 / 60)}
    match chance.randrange(100):
        case 0 | 1:
            told = f"Bad Request: chat {common['chat']} not found"
            refused = {"code": "telegram_rejected", "category": Category.PERMANENT, "telegram_code": 400}
            return events.CommandRejected(**common, **took, **refused, description=told)  # type: ignore[arg-type]
        case 2 | 3:
            lost = {"code": "delivery_uncertain", "category": Category.AMBIGUOUS, "description": "connection reset"}
            return events.CommandUncertain(**common, **lost, attempts=1)  # type: ignore[arg-type]
        case 4:
            del common["received_at"]
            limited = {"category": Category.RATE_LIMIT, "telegram_code": 429, "attempt": 1, "telegram_ms": 20.0}
            told = "Too Many Requests: retry after 5"
            return events.AttemptFailed(**common, **limited, description=told)  # type: ignore[arg-type]
        case _:
            return events.CommandDelivered(**common, **took)  # type: ignore[arg-type]


def _tenant(bot: int) -> str:
    return f"t_bench_{bot % TENANTS}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m ops.bench.usage_queries", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path, default=Path("var"), help="where to work: a real disk, not a RAM disk")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    print(machine())
    measure(options.events, options.dir)
