from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence

import pytest

from domain import events as e
from domain.errors import StoreUnavailable
from domain.store.mapper import Recorded
from projections import runner as runners
from projections.all import all_projections
from projections.runner import NotRebuilt, Runner, State
from projections.views import Views
from tests.examples import a_delivered, a_started
from tests.projections.runners import SOON_S, Counts, reached, running
from tests.projections.sample_events import Log, dump, registered, removed, suspended


def test_a_projection_that_cannot_fold_an_event_stops_before_it_and_the_others_go_on(log: Log, views: Views) -> None:
    runner = Runner(log.ledger, views, [Counts(allergic_to=e.BotRemoved), *all_projections()])
    log.append(registered(), a_started(), removed(), registered(), a_delivered())
    runner.catch_up()
    stopped, *others = runner.states()

    assert State("counts", 2, "bot-removed at position 3: ValueError('cannot fold this')") == stopped
    assert [State(name, 5, None) for name in ("bots", "health", "commands", "usage")] == others
    assert [(1,), (2,)] == dump(views)["counts"]
    assert 2 == runner.position()
    assert reached(runner, 5, of="commands")


def test_a_stopped_projection_is_tried_again_after_a_restart_and_by_a_rebuild(log: Log, views: Views) -> None:
    allergic = Counts(allergic_to=e.BotSuspended)
    runner = Runner(log.ledger, views, [allergic])
    log.append(registered(), suspended(), a_started())
    runner.catch_up()

    with pytest.raises(NotRebuilt, match="position 2"):
        runner.rebuild("counts")
    assert [(1,)] == dump(views)["counts"]
    allergic.allergic_to = None
    again = Runner(log.ledger, views, [allergic])
    again.catch_up()
    runner.rebuild("counts")

    assert [State("counts", 3, None)] == again.states() == runner.states()
    assert [(1,), (2,), (3,)] == dump(views)["counts"]


class Away:
    """A ledger whose store is away until it is back."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.back = False
        self.asked = threading.Event()

    def head(self) -> int:
        return self._log.ledger.head()

    def read(self, after: int, limit: int) -> list[Recorded]:
        self.asked.set()
        if not self.back:
            raise StoreUnavailable("gone")
        return self._log.ledger.read(after, limit)


def test_a_store_that_is_away_is_asked_again(log: Log, views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "POLL_S", 0.02)
    away = Away(log)
    log.append(registered())
    runner = Runner(away, views, all_projections())
    with running(runner):
        assert away.asked.wait(SOON_S)
        assert not reached(runner, 1, timeout_s=0.05)
        assert all("gone" in (state.error or "") for state in runner.states())
        away.back = True

        assert reached(runner, 1)
        assert not any(state.error for state in runner.states())
    away.back = False
    with pytest.raises(StoreUnavailable):
        runner.catch_up()


def test_a_full_disk_poisons_nobody(log: Log, views: Views) -> None:
    class FullDisk(Counts):
        def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
            super().fold(events, connection)
            raise sqlite3.OperationalError("database or disk is full")

    runner = Runner(log.ledger, views, [FullDisk()])
    log.append(registered())
    with pytest.raises(sqlite3.OperationalError):
        runner.catch_up()

    assert [State("counts", 0, None)] == runner.states()
    assert [] == dump(views)["counts"]
