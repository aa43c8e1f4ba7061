"""What every projection promises: rows depend on events alone, not on how these arrived."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import events as e
from projections import carrier
from projections import runner as runners
from projections.all import all_projections
from projections.runner import Runner
from projections.views import Views
from tests.examples import TENANT, a_delivered, a_rejected, a_started, after, an_uncertain
from tests.projections.lives import lives
from tests.projections.sample_events import (
    Dump,
    Log,
    an_update,
    attempt_failed,
    challenged,
    dump,
    recorded,
    registered,
    removed,
    suspended,
)


def folded(events: list[e.Event], ends: list[int]) -> Dump:
    """What these events give when they come in batches that end so."""
    log = recorded(events)
    with TemporaryDirectory() as place, closing(Views(Path(place) / "views.db")) as views:
        views.prepare(all_projections())
        for begin, end in pairwise([0, *sorted(ends), len(log)]):
            with views.writing() as connection:
                for projection in all_projections():
                    projection.fold(log[begin:end], connection)
        return dump(views)


@settings(max_examples=150, deadline=None)
@given(events=lives(), data=st.data())
def test_where_batches_end_leaves_no_trace(events: list[e.Event], data: st.DataObject) -> None:
    ends = data.draw(st.lists(st.integers(0, len(events)), max_size=8))

    assert folded(events, []) == folded(events, ends)


@settings(max_examples=50, deadline=None)
@given(events=lives(max_size=30))
def test_one_by_one_gives_what_all_at_once_gives(events: list[e.Event]) -> None:
    assert folded(events, []) == folded(events, list(range(len(events))))


def test_what_is_counted_together_is_added_in_the_order_of_the_log() -> None:
    events = [
        registered(),
        a_delivered("1", telegram_ms=1.0),
        a_delivered("2", telegram_ms=1.0),
        a_rejected("3", telegram_ms=9.1e15),
    ]

    assert (1.0 + 1.0) + 9.1e15 != (9.1e15 + 1.0) + 1.0
    assert folded(events, []) == folded(events, [1, 2, 3])


def some_history() -> list[e.Event]:
    events: list[e.Event] = [registered(), challenged(), suspended()]
    for number in range(25):
        name = f"command-{number}"
        events += [
            a_started(name, occurred_at=after(number)),
            attempt_failed(command_id=name, at=number + 0.5),
            an_uncertain(f"{name}-lost", occurred_at=after(number + 0.6)),
            a_delivered(name, occurred_at=after(number + 1), telegram_ms=7.3 * number),
        ]
    events.append(attempt_failed(command_id="still open"))
    events.append(an_update(command="start"))
    return events


def history_with_a_removal() -> list[e.Event]:
    """As the gateway records one: the fact, the bots, claims too, and an outcome that comes late."""
    gone = e.TenantRemoved(occurred_at=after(100), tenant_id=TENANT, by="admin", reason="it left us")
    late = a_delivered("late", occurred_at=after(101))
    return [*some_history(), a_started("late", occurred_at=after(99)), gone, removed(), late, registered(tenant_id="b")]


@pytest.mark.parametrize("history", [some_history, history_with_a_removal], ids=["a life", "a removal"])
@pytest.mark.parametrize("name", [projection.name for projection in all_projections()])
def test_rebuilt_from_zero_equals_live_byte_for_byte(
    log: Log, views: Views, runner: Runner, tmp_path: Path, name: str, history: Callable[[], list[e.Event]]
) -> None:
    for event in history():
        log.append(event)
        runner.catch_up()
    live, own = dump(views), tables_of(name, tmp_path)
    with views.writing() as connection:
        for table in live.keys() - {"positions"}:
            connection.execute(f"DELETE FROM {table}")
    runner.rebuild(name)
    rebuilt = dump(views)

    assert all(live[table] for table in own)
    assert {table: live[table] for table in own} == {table: rebuilt[table] for table in own}
    assert live["positions"] == rebuilt["positions"]
    assert [] == [table for table in live.keys() - own - {"positions"} if rebuilt[table]]
    assert [] == list(views.path.parent.glob(f"{views.path.name}.*"))


def tables_of(name: str, place: Path) -> set[str]:
    with closing(Views(place / "empty.db")) as empty:
        empty.prepare([projection for projection in all_projections() if projection.name == name])
        return dump(empty).keys() - {"positions", "paused"}


def test_a_process_that_is_killed_anywhere_counts_each_event_once(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(*some_history())
    monkeypatch.setattr(runners, "BATCH", 7)

    class Killed(BaseException):
        pass

    kills = 0

    def killed_at_third_move(connection: object, name: str, position: int) -> None:
        nonlocal kills
        kills += 1
        if kills % 3 == 0 and kills < 30:
            raise Killed
        move(connection, name, position)

    move = carrier.move
    monkeypatch.setattr(carrier, "move", killed_at_third_move)
    for _ in range(100):
        with closing(Views(tmp_path / "killed.db")) as views:
            try:
                Runner(log.ledger, views, all_projections()).catch_up()
            except Killed:
                continue
            after_kills = dump(views)
            break
    monkeypatch.undo()
    with closing(Views(tmp_path / "whole.db")) as views:
        Runner(log.ledger, views, all_projections()).catch_up()

        assert dump(views) == after_kills
    assert kills > 9


def test_only_what_is_there_can_be_rebuilt(runner: Runner) -> None:
    with pytest.raises(KeyError, match="weather"):
        runner.rebuild("weather")
