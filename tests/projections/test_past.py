"""Questions about an earlier moment: what the log says up to there, whatever checkpoints there are."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from domain import events as e
from projections import checkpoints as keeping
from projections.all import all_projections
from projections.checkpoints import Checkpoints
from projections.past import Past, Unfoldable
from projections.runner import Runner
from projections.views import Views
from tests.examples import NOON, a_delivered, a_started, after
from tests.projections.runners import Counts
from tests.projections.sample_events import Dump, Log, attempt_failed, dump, registered, suspended

NAMES = [projection.name for projection in all_projections() if projection.carried]
DAY_S = 86_400


def ten_days() -> list[e.Event]:
    events: list[e.Event] = [registered()]
    for number in range(40):
        at, name = number * DAY_S / 4, f"command-{number}"
        events += [
            a_started(name, occurred_at=after(at)),
            attempt_failed(command_id=name, at=at + 0.5),
            a_delivered(name, occurred_at=after(at + 1), telegram_ms=7.3 * number),
        ]
    return [*events, suspended()]


def told_at(log: Log, views: Views, checkpoints: Checkpoints, name: str, position: int) -> Dump:
    past = Past(log.ledger, views, checkpoints, all_projections()).at(position, name)
    tables = [table.name for projection in all_projections() for table in projection.carried if projection.name == name]
    with past.reading() as connection:
        return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints", all_projections(), every=20)


@pytest.mark.parametrize("name", NAMES)
def test_the_past_is_what_a_fold_that_ended_there_would_say(
    log: Log, views: Views, checkpoints: Checkpoints, tmp_path: Path, name: str
) -> None:
    events = ten_days()
    without = Checkpoints(tmp_path / "none", all_projections())
    runner = Runner(log.ledger, views, all_projections(), checkpoints)
    expected = {}
    for event in events:
        position = log.append(event)
        runner.catch_up()
        tables = [t.name for p in all_projections() if p.name == name for t in p.carried]
        rows = dump(views)
        expected[position] = {table: sorted(rows[table], key=repr) for table in tables}

    assert len(list((tmp_path / "checkpoints").glob("*.db"))) >= len(events) // 20
    for position, rows in expected.items():
        assert rows == told_at(log, views, checkpoints, name, position), position
        assert rows == told_at(log, views, without, name, position), position


def test_a_checkpoint_that_is_damaged_or_of_another_schema_is_not_used(
    log: Log, views: Views, checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(log.ledger, views, all_projections(), checkpoints)
    for event in ten_days():
        log.append(event)
        runner.catch_up()
    paths = sorted((tmp_path / "checkpoints").glob("*.db"), key=lambda path: int(path.stem))
    expected = told_at(log, views, checkpoints, "health", 110)
    paths[-1].write_bytes(b"no database")
    damaged = told_at(log, views, checkpoints, "health", 110)
    monkeypatch.setattr(keeping, "SCHEMA_VERSION", 99)
    of_another_schema = told_at(log, views, checkpoints, "health", 110)

    assert [expected, expected] == [damaged, of_another_schema]
    assert not paths[0].exists()


def test_there_are_never_more_checkpoints_than_are_kept(
    log: Log, views: Views, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT", 6)
    checkpoints = Checkpoints(tmp_path / "checkpoints", all_projections(), every=2)
    runner = Runner(log.ledger, views, all_projections(), checkpoints)
    for event in ten_days():
        log.append(event)
        runner.catch_up()
    kept = sorted(int(path.stem) for path in (tmp_path / "checkpoints").glob("*.db"))

    # The further back the fewer, and another process finds the newest.
    assert [112, 116, 118, 120, 122] == kept
    assert checkpoints.before("health", 10**6) == Checkpoints(tmp_path / "checkpoints", all_projections()).before(
        "health", 10**6
    )


def test_a_checkpoint_that_cannot_be_kept_holds_nothing_up(log: Log, views: Views, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where the directory should be")
    checkpoints = Checkpoints(tmp_path / "checkpoints", all_projections(), every=1)
    runner = Runner(log.ledger, views, all_projections(), checkpoints)
    position = log.append(*ten_days())
    runner.catch_up()

    assert position == runner.position()


def test_views_that_start_over_forget_the_checkpoints_of_the_other_log(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints", all_projections(), every=1)
    with closing(Views(tmp_path / "views.db")) as views:
        longer, shorter = Log(tmp_path / "longer.db"), Log(tmp_path / "shorter.db")
        with closing(longer.store), closing(shorter.store):
            longer.append(*ten_days())
            shorter.append(registered())
            Runner(longer.ledger, views, all_projections(), checkpoints).catch_up()
            Runner(shorter.ledger, views, all_projections(), checkpoints)

    assert [] == list((tmp_path / "checkpoints").glob("*.db"))


def test_what_cannot_be_folded_has_no_past_beyond_it(log: Log, views: Views, tmp_path: Path) -> None:
    allergic = Counts(allergic_to=e.BotSuspended)
    log.append(*ten_days())
    past = Past(log.ledger, views, Checkpoints(tmp_path / "none", []), [allergic])

    with pytest.raises(Unfoldable, match="bot-suspended"):
        past.at(10**6, "counts")


def test_what_nobody_can_read_has_no_past_beyond_it_until_it_is_skipped(log: Log, views: Views, tmp_path: Path) -> None:
    log.append(registered(), a_started(), suspended())
    log.damage(2)
    past = Past(log.ledger, views, Checkpoints(tmp_path / "none", []), [Counts()])
    with pytest.raises(Unfoldable, match="of-a-newer-version at position 2"):
        past.at(3, "counts")
    log.damage(2, "counts")
    with past.at(3, "counts").reading() as connection:
        seen = connection.execute("SELECT * FROM counts").fetchall()

    assert [1, 3] == [int(row[0]) for row in seen]
    assert (2, NOON) == past.moment(2)


def test_a_checkpoint_can_be_had_at_any_time(log: Log, views: Views, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints", all_projections())
    runner = Runner(log.ledger, views, all_projections(), checkpoints)
    position = log.append(*ten_days())
    runner.catch_up()
    runner.checkpoint()

    assert ["checkpoints", f"{position}.db"] == [*next((tmp_path / "checkpoints").glob("*.db")).parts[-2:]]
    assert position == checkpoints.before("health", position).position


def test_while_the_live_view_begins_anew_the_past_is_folded_from_the_log_alone(
    log: Log, views: Views, checkpoints: Checkpoints
) -> None:
    runner = Runner(log.ledger, views, all_projections(), checkpoints)
    for event in ten_days():
        position = log.append(event)
        runner.catch_up()
    before = told_at(log, views, checkpoints, "history", position)
    views.start_over()
    views.prepare(all_projections())

    assert before == told_at(log, views, checkpoints, "history", position)
    assert len(before["history"]) > 30


def test_of_the_older_half_of_the_checkpoints_every_second_one_goes(
    views: Views, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT", 6)
    checkpoints = Checkpoints(tmp_path / "checkpoints", [])
    for position in range(1, 8):
        checkpoints.keep(views, position, after(0))

    assert [2, 4, 5, 6, 7] == sorted(int(path.stem) for path in (tmp_path / "checkpoints").glob("*.db"))


def test_what_a_crash_left_of_a_checkpoint_is_in_nobodys_way(views: Views, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "unfinished.db").write_bytes(b"half a copy")
    checkpoints = Checkpoints(tmp_path / "checkpoints", [])
    checkpoints.keep(views, 7, after(0))

    assert ["7.db"] == [path.name for path in (tmp_path / "checkpoints").iterdir()]


def test_of_the_moments_asked_about_only_the_last_few_are_remembered(log: Log, views: Views, tmp_path: Path) -> None:
    position = log.append(*ten_days())
    past = Past(log.ledger, views, Checkpoints(tmp_path / "none", []), all_projections())
    first = past.at(1, "bots")
    remembered = past.at(1, "bots")
    for later in range(2, 10):
        past.at(later, "bots")

    assert position > 10
    assert [True, False] == [first is remembered, first is past.at(1, "bots")]
