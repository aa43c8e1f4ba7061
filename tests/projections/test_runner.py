from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from projections import runner as runners
from projections.all import all_projections
from projections.commands import command_story
from projections.runner import Runner
from projections.state import State
from projections.views import Views
from tests.examples import COMMAND_ID, a_delivered, a_started
from tests.projections.runners import Counts, reached, running
from tests.projections.sample_events import Log, dump, registered, suspended


def test_a_started_runner_folds_what_is_there_and_what_comes(log: Log, runner: Runner, views: Views) -> None:
    log.append(registered(), a_started())
    with running(runner):
        assert reached(runner, 2)
        position = log.append(a_delivered())
        runner.wake()

        assert reached(runner, position)
        assert position == runner.position()
        assert "delivered" == command_story(views, COMMAND_ID).state


def test_a_missed_wake_is_made_up_for(log: Log, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "POLL_S", 0.01)
    with running(runner):
        assert reached(runner, log.append(registered()))


def test_a_stopped_runner_has_no_thread_and_can_be_started_again(log: Log, runner: Runner) -> None:
    with running(runner):
        pass

    assert "projections" not in [thread.name for thread in threading.enumerate()]
    position = log.append(registered())
    with running(runner):
        assert reached(runner, position)
    runner.stop()


def test_a_new_projection_catches_up_while_the_others_see_nothing_twice(log: Log, views: Views) -> None:
    log.append(registered(), a_started())
    Runner(log.ledger, views, [Counts("old")]).catch_up()
    log.append(a_delivered())
    runner = Runner(log.ledger, views, [Counts("old"), Counts("new")])

    assert [State("old", 2), State("new", 0)] == runner.states()
    assert 0 == runner.position()
    runner.catch_up()

    assert [State("old", 3), State("new", 3)] == runner.states()
    assert [(1,), (2,), (3,)] == dump(views)["old"] == dump(views)["new"]


def test_views_of_another_log_are_forgotten(log: Log, views: Views, tmp_path: Path) -> None:
    log.append(registered(), a_started(), a_delivered())
    Runner(log.ledger, views, all_projections()).catch_up()
    other = Log(tmp_path / "other.db")
    with closing(other.store):
        other.append(registered(bot_id=5))
        Runner(other.ledger, views, all_projections()).catch_up()

        assert [5] == [row[0] for row in dump(views)["health"]]
        assert [] == dump(views)["commands"]


def test_a_rebuild_beside_a_running_one_loses_and_doubles_nothing(log: Log, views: Views) -> None:
    runner = Runner(log.ledger, views, [Counts()])
    with running(runner):
        for _ in range(20):
            log.append(*[suspended() for _ in range(50)])
            runner.wake()
            runner.rebuild("counts")

        assert reached(runner, 1000)
    assert [(n,) for n in range(1, 1001)] == dump(views)["counts"]
