"""`python -m ops.bench.views [--quick]`: a long log, its views built from zero, and what questions then take."""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from domain import events, streams
from domain.failure import Category
from domain.rules.health import Health
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from gateway.answers import encode
from ops.bench.figures import heading, line, machine, percentile
from projections import fleet, health, history, retries, usage
from projections.all import all_projections
from projections.bots import bots_of
from projections.checkpoints import Checkpoints
from projections.past import Past
from projections.runner import BATCH, Runner
from projections.span import Span
from projections.views import Readable, Views

EVENTS, EVENTS_QUICK = 1_000_000, 50_000
BOTS = 500
TENANTS = 20
DAYS = 30
ASKED = 200
FIRST_BOT = 7_300_000_001
NOW = datetime(2026, 7, 1, tzinfo=UTC)
SEED = 20_260_701
TARGET_MS, TARGET_PAST_MS = 50, 1000
TROUBLE_HOURS = 3
FLOODED, RETRIED, RETRIED_IN_TROUBLE, LOST_IN_TROUBLE = 0.01, 0.03, 0.8, 0.7
"""Which share of the commands."""

Question = Callable[[Readable, int], object]
"""The int is a bot's id."""


def happened(number: int) -> Iterator[events.Event]:
    """Thirty days of a fleet: commands spread evenly, a tenth of the bots in trouble for some hours of each day."""
    draw = random.Random(SEED)  # noqa: S311  the same log each time
    start = NOW - timedelta(days=DAYS)
    for n in range(BOTS):
        yield events.BotRegistered(
            occurred_at=start,
            bot_id=FIRST_BOT + n,
            tenant_id=_tenant(n),
            username=f"bench_{n}_bot",
            first_name="Bench",
            token_sealed=b"",
            token_fingerprint="",
        )
    # Two events a command, and a little more: so the last of them are cut off, and not too few made.
    commands = number // 2
    for n in range(commands):
        bot, at = draw.randrange(BOTS), start + timedelta(days=DAYS) * (n / commands)
        yield from _command(draw, n, bot, at, is_in_trouble=bot % 10 == at.day % 10 and at.hour < TROUBLE_HOURS)


def _command(draw: random.Random, n: int, bot: int, at: datetime, *, is_in_trouble: bool) -> Iterator[events.DayEvent]:
    bot_id, tenant_id, command_id = FIRST_BOT + bot, _tenant(bot), f"01900000-0000-7000-8000-{n:012d}"
    chat, took_ms = str(draw.randrange(1000)), draw.lognormvariate(4.5, 0.6)
    yield events.CommandStarted(
        occurred_at=at,
        bot_id=bot_id,
        tenant_id=tenant_id,
        command_id=command_id,
        method="sendMessage",
        received_at=at,
        chat=chat,
    )
    attempts, chance = 1, draw.random()
    if chance < (RETRIED_IN_TROUBLE if is_in_trouble else RETRIED):
        category = Category.RATE_LIMIT if chance < FLOODED else Category.UNREACHABLE
        yield events.AttemptFailed(
            occurred_at=at + timedelta(milliseconds=took_ms),
            bot_id=bot_id,
            tenant_id=tenant_id,
            command_id=command_id,
            method="sendMessage",
            attempt=1,
            category=category,
            description="failed",
            telegram_ms=took_ms,
            chat=chat,
            again_at=at + timedelta(milliseconds=took_ms + 700),
        )
        attempts = 2
    common = {
        "occurred_at": at + timedelta(milliseconds=attempts * took_ms),
        "bot_id": bot_id,
        "tenant_id": tenant_id,
        "command_id": command_id,
        "method": "sendMessage",
        "received_at": at,
        "chat": chat,
        "attempts": attempts,
        "queue_ms": 1.0,
        "telegram_ms": took_ms,
    }
    if is_in_trouble and chance < LOST_IN_TROUBLE:
        yield events.CommandUncertain(**common, code="delivery_uncertain", category=Category.AMBIGUOUS)  # type: ignore[arg-type]  # the fields of Ended
    else:
        yield events.CommandDelivered(**common)  # type: ignore[arg-type]


def _tenant(bot: int) -> str:
    return f"t_{bot % TENANTS}"


def written(number: int, ledger: Ledger) -> int:
    versions: Counter[str] = Counter()
    all_of_them = islice(happened(number), number)
    while batch := list(islice(all_of_them, BATCH)):
        entries = []
        for event in batch:
            is_of_a_day = isinstance(event, events.DayEvent)
            stream = streams.day_stream(event) if is_of_a_day else streams.bot_stream(event.bot_id)  # type: ignore[arg-type,attr-defined]  # what happens here
            versions[stream] += 1
            entries.append(Entry(stream, versions[stream], event))
        ledger.append(entries)
    return ledger.head()


def _back(hours: float, bucket_s: int) -> Span:
    return Span(NOW - timedelta(hours=hours), NOW, bucket_s)


QUESTIONS: dict[str, Question] = {
    "a bot's history, 24 hours": lambda v, bot: history.history_of(v, bot, _back(24, 300), NOW),
    "a bot's history, 168 hours": lambda v, bot: history.history_of(v, bot, _back(168, 300), NOW),
    "a bot's history, 30 days by the hour": lambda v, bot: history.history_of(v, bot, _back(720, 3600), NOW),
    "all incidents of 168 hours, a page": lambda v, _: history.incidents(v, _back(168, 300), NOW),
    "all incidents, a page three weeks back": lambda v, _: history.incidents(
        v, Span(NOW - timedelta(days=22), NOW - timedelta(days=21), 300), NOW
    ),
    "retry statistics of the fleet": lambda v, _: retries.retry_statistics(v, None, NOW),
    "retry statistics of a bot": lambda v, bot: retries.retry_statistics(v, bot, NOW),
    "a bot's health": lambda v, bot: health.health_of(v, bot, NOW),
    "unhealthy bots, a page": lambda v, _: health.all_health(v, NOW, Health.UNHEALTHY),
    "health of the fleet": lambda v, _: health.summary(v, NOW),
    "bots of a tenant": lambda v, bot: bots_of(v, _tenant(bot - FIRST_BOT)),
    "bots of the fleet, a page": lambda v, _: fleet.fleet_bots(v, NOW),
}
"""What is asked, each with a page's usual size. A new view adds its own."""


PAST_QUESTIONS: dict[str, tuple[str, Question]] = {
    "health of the fleet, as of any moment": ("health", lambda v, _: health.summary(v, NOW)),
    "a bot's history, as of any moment": ("history", lambda v, bot: history.history_of(v, bot, _back(168, 300), NOW)),
    "usage of a bot, as of any moment": (
        "usage",
        lambda v, bot: usage.summary(v, usage.Whose(_tenant(bot - FIRST_BOT), bot), NOW),
    ),
}


def measure(number: int, directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as own, closing(SQLiteStore(Path(own) / "botloft.db")) as store:
        ledger = Ledger(store)
        heading(f"Views of {written(number, ledger)} events, {BOTS} bots, {DAYS} days")
        for projection in all_projections():
            _rebuilt(ledger, Path(own) / f"{projection.name}.db", projection.name)
        checkpoints = Checkpoints(Path(own) / "checkpoints", all_projections())
        _rebuilt(ledger, Path(own) / "views.db", None, checkpoints)
        with closing(Views(Path(own) / "views.db")) as views:
            for label, question in QUESTIONS.items():
                _asked(label, question, views)
            past = Past(ledger, views, checkpoints, all_projections())
            for label, (name, question) in PAST_QUESTIONS.items():
                _asked_of_the_past(label, question, past, name, ledger.head())


def _rebuilt(ledger: Ledger, path: Path, name: str | None, checkpoints: Checkpoints | None = None) -> None:
    wanted = [projection for projection in all_projections() if name in (None, projection.name)]
    with closing(Views(path)) as views:
        runner = Runner(ledger, views, wanted, checkpoints)
        began = time.perf_counter()
        runner.catch_up()
        rate = runner.position() / (time.perf_counter() - began)
    line(f"{name or 'all of them'} from zero", f"{rate:,.0f} events/s, {path.stat().st_size / 1e6:,.0f} MB")


def _asked(label: str, question: Question, views: Views) -> None:
    """With its answer as JSON, as a caller gets it."""
    draw, took_ms = random.Random(SEED), []  # noqa: S311
    for _ in range(ASKED):
        bot_id = FIRST_BOT + draw.randrange(BOTS)
        began = time.perf_counter()
        encode(question(views, bot_id))
        took_ms.append((time.perf_counter() - began) * 1000)
    line(label, f"p50 {percentile(took_ms, 0.5):.1f} ms, p95 {percentile(took_ms, 0.95):.1f} ms (≤ {TARGET_MS})")


def _asked_of_the_past(label: str, question: Question, past: Past, name: str, head: int) -> None:
    """Each time of another moment, so that nothing is remembered of it."""
    draw, took_ms = random.Random(SEED), []  # noqa: S311
    for _ in range(ASKED // 10):
        bot_id, position = FIRST_BOT + draw.randrange(BOTS), draw.randrange(1, head)
        began = time.perf_counter()
        encode(question(past.at(position, name), bot_id))
        took_ms.append((time.perf_counter() - began) * 1000)
    line(label, f"p50 {percentile(took_ms, 0.5):.0f} ms, p95 {percentile(took_ms, 0.95):.0f} ms (< {TARGET_PAST_MS})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m ops.bench.views", description="Questions beside a long log.")
    parser.add_argument("--quick", action="store_true", help=f"{EVENTS_QUICK:,} events in place of {EVENTS:,}")
    parser.add_argument("--events", type=int, help="any other number of events")
    parser.add_argument("--dir", type=Path, default=Path("var"), help="where to work: a real disk, not a RAM disk")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    print(machine())
    measure(options.events or (EVENTS_QUICK if options.quick else EVENTS), options.dir)
