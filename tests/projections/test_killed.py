"""`kill -9` at any moment of folding, and writers that crowd: every projection counts each event once."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

from domain import events as e
from domain.errors import StoreUnavailable
from domain.failure import Category
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from domain.streams import bot_stream
from projections.all import all_projections
from projections.runner import Runner
from projections.views import Views
from tests.examples import a_delivered, a_hold, a_not_sent, a_rejected, a_started, after, an_uncertain
from tests.projections.killed import BATCH
from tests.projections.runners import Counts, reached, running
from tests.projections.sample_events import (
    Log,
    accepted,
    attempt_failed,
    breaker_events,
    challenged,
    dump,
    dump_of,
    registered,
    removed,
    resumed,
    suspended,
    withdrawn,
)

ROOT = Path(__file__).parents[2]
COMMANDS = 1500
KILLS = 25
SEED = 1


def a_history(seed: int) -> list[e.Event]:
    """Some thousand events of four bots over a few days, commands entangled as they are in life."""
    chance = random.Random(seed)
    events: list[e.Event] = [registered(bot_id=bot_id) for bot_id in range(1, 5)]
    for number in range(COMMANDS):
        at = number * 200.0
        who = {"bot_id": chance.randint(1, 4), "occurred_at": after(at), "command_id": f"command-{number}"}
        if chance.random() < 0.3:
            events.append(accepted(**who))
        events.append(a_started(**who, received_at=after(at)))
        events += [attempt_failed(attempt, **who) for attempt in range(1, chance.randint(1, 3))]
        failed = {"category": chance.choice(list(Category)), "telegram_code": chance.choice([None, 400, 429])}
        ended = [a_delivered(**who, telegram_ms=chance.uniform(1, 900)), a_rejected(**who, **failed)]
        events.append(chance.choice([*ended, ended[0], a_not_sent(**who), an_uncertain(**who)]))
        if chance.random() < 0.05:
            bot_id = chance.randint(1, 4)
            happened = [suspended(bot_id), resumed(bot_id), *breaker_events(bot_id), a_hold(bot_id=bot_id)]
            events.append(chance.choice([*happened, challenged(bot_id), withdrawn(bot_id), removed(bot_id)]))
            events.append(registered(bot_id=bot_id))
    # As they would come from bots that work at once.
    for begin in range(4, len(events), 50):
        piece = events[begin : begin + 50]
        piece.sort(key=lambda event: (hash((seed, getattr(event, "bot_id", 0))), event.occurred_at))
        events[begin : begin + 50] = piece
    return events


def killed_after(lines: int, log: Path, views: Path) -> bool:
    """Whether it was killed before it was through."""
    command = [sys.executable, "-m", "tests.projections.killed", str(log), str(views)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
        return process.wait() != 0


def test_killed_while_folding_and_started_again_a_view_equals_a_fresh_one_byte_for_byte(
    log: Log, tmp_path: Path
) -> None:
    log.append(*a_history(SEED))
    chance = random.Random(SEED)
    most = 2 * (log.ledger.head() // BATCH) // KILLS
    killed = 0
    while killed < KILLS and killed_after(chance.randint(1, most), tmp_path / "botloft.db", tmp_path / "a.db"):
        killed += 1
    with closing(Views(tmp_path / "a.db")) as views:
        runner = Runner(log.ledger, views, all_projections())
        came_to = runner.position()
        runner.catch_up()
        for projection in all_projections():
            runner.rebuild(projection.name)
        rebuilt = dump(views)
    with closing(Views(tmp_path / "fresh.db")) as fresh:
        Runner(log.ledger, fresh, all_projections()).catch_up()

    assert killed >= 5
    assert came_to > BATCH
    assert dump_of(tmp_path / "fresh.db") == dump_of(tmp_path / "a.db") == rebuilt
    assert all(rebuilt[projection.name] for projection in all_projections() if projection.name in rebuilt)


def test_many_writers_at_once_leave_no_position_unseen(log: Log, views: Views, tmp_path: Path) -> None:
    runner = Runner(log.ledger, views, [Counts()])

    def write(bot_id: int) -> None:
        with closing(SQLiteStore(tmp_path / "botloft.db")) as store:
            ledger, version = Ledger(store), 0
            while version < 100:
                with suppress(StoreUnavailable):  # the file is locked for too long: again
                    ledger.append([Entry(bot_stream(bot_id), version + 1, suspended(bot_id))])
                    version += 1
                    runner.wake()

    threads = [threading.Thread(target=write, args=(bot_id,)) for bot_id in range(1, 5)]
    with running(runner):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert reached(runner, 400)
    assert [(position,) for position in range(1, 401)] == dump(views)["counts"]
