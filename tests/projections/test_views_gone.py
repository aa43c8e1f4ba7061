"""The views' file is taken away, or another put in its place, while everything runs: it heals by itself."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from domain.store.mapper import Recorded
from projections import runner as runners
from projections.bots import bots_of
from projections.runner import Runner
from projections.state import State
from projections.views import Views, delete
from tests.examples import TENANT, a_delivered, a_started
from tests.projections.runners import SOON_S, Counts, reached, running
from tests.projections.sample_events import Log, dump, registered
from tests.projections.test_control import PAUSE

Spoil = Callable[[Path], object]


def whole(path: Path) -> None:
    delete(path)


def renamed(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def only_the_newest(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


def by_rubbish(path: Path) -> None:
    path.with_name("rubbish").write_bytes(b"no database at all" * 1000)
    path.with_name("rubbish").replace(path)


def by_an_older_copy(path: Path) -> None:
    (path.parent / "copies" / path.name).replace(path)


@pytest.fixture
def filled(log: Log, runner: Runner, views: Views) -> Runner:
    """Of all projections, caught up; an older copy lies beside."""
    copies = views.path.parent / "copies"
    copies.mkdir()
    log.append(registered(), a_started())
    with closing(Views(copies / views.path.name)) as older:
        Runner(log.ledger, older, []).catch_up()
    log.append(a_delivered())
    runner.catch_up()
    return runner


@pytest.mark.parametrize("spoil", [whole, renamed, only_the_newest, by_rubbish, by_an_older_copy])
def test_a_file_that_is_gone_or_another_is_noticed_at_the_next_look_and_filled_again(
    log: Log, views: Views, filled: Runner, spoil: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "POLL_S", 0.01)
    before = dump(views)
    with running(filled):
        spoil(views.path)
        # The first of them may still go into what was there before: a look comes before each step.
        for _ in range(2):
            assert reached(filled, log.append(registered(bot_id=5)))

        assert views.is_in_place()
        with sqlite3.connect(views.path) as other:
            bots = other.execute("SELECT COUNT(*) FROM bots").fetchone()
        other.close()
    assert (2,) == bots
    assert before["commands"] == dump(views)["commands"]


def test_a_reader_of_the_old_file_sees_it_to_the_end_and_the_next_one_the_new_one(views: Views, filled: Runner) -> None:
    with views.reading() as reader:
        before = reader.execute("SELECT COUNT(*) FROM bots").fetchone()
        views.start_over()
        during = reader.execute("SELECT COUNT(*) FROM bots").fetchone()

    assert (1,) == before == during
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        reader.execute("SELECT 1")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        bots_of(views, TENANT)
    assert filled.position()


def test_who_is_paused_stays_so_in_the_new_file(log: Log, views: Views) -> None:
    runner = Runner(log.ledger, views, [Counts("held"), Counts("other")])
    log.append(registered())
    runner.catch_up()
    runner.pause("held", PAUSE)
    delete(views.path)
    position = log.append(a_started())
    with running(runner):
        assert reached(runner, position, of="other")
    held, other = runner.states()

    assert State("held", 0, paused=PAUSE) == held
    assert State("other", 2) == other
    assert [State("held", 0, paused=PAUSE)] == Runner(log.ledger, views, [Counts("held")]).states()


def test_a_place_that_cannot_be_written_for_a_while_is_tried_again(
    log: Log, views: Views, filled: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "POLL_S", 0.01)
    delete(views.path)
    views.path.mkdir()
    with running(filled):
        position = log.append(registered(bot_id=5))

        assert not reached(filled, position, timeout_s=0.1)
        assert all(state.error and "unable to open" in state.error.reason for state in filled.states())
        views.path.rmdir()

        assert reached(filled, position)
    assert 2 == len(bots_of(views, TENANT))


def test_a_file_that_turns_out_damaged_is_thrown_away_and_stops_nobody(
    log: Log, views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Damaged(Counts):
        hurt = threading.Event()

        def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
            super().fold(events, connection)
            if not self.hurt.is_set():
                self.hurt.set()
                raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(runners, "POLL_S", 0.01)
    runner = Runner(log.ledger, views, [Damaged(), Counts("other")])
    position = log.append(registered(), a_started())
    with views.writing() as connection:
        connection.execute("CREATE TABLE of_the_damaged_file (row)")
    with running(runner):
        assert reached(runner, position)
        assert Damaged.hurt.wait(SOON_S)
    assert [State("counts", 2), State("other", 2)] == runner.states()
    assert [(1,), (2,)] == dump(views)["counts"] == dump(views)["other"]
    assert "of_the_damaged_file" not in dump(views)


def test_a_copy_taken_while_it_runs_is_as_good_as_none(log: Log, views: Views, filled: Runner) -> None:
    """Whatever it holds, what is not in it is folded again."""
    copy = views.path.with_name("copy.db")
    shutil.copy(views.path, copy)
    with closing(Views(copy)) as copied:
        Runner(log.ledger, copied, []).catch_up()
    copy.replace(views.path)
    position = log.append(registered(bot_id=5))
    with running(filled):
        assert reached(filled, position)
    assert 2 == len(bots_of(views, TENANT))
