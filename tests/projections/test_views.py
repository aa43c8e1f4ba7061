from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from projections import views as module
from projections.all import all_projections
from projections.bots import bots_of
from projections.runner import Runner
from projections.views import Views, positions
from tests.examples import TENANT, a_delivered, a_started
from tests.projections.sample_events import Log, dump, dump_of, registered


@pytest.fixture
def filled(log: Log, tmp_path: Path) -> Path:
    """A views file that was closed in good order."""
    path = tmp_path / "filled.db"
    log.append(registered(), *[event for n in range(300) for event in (a_started(f"{n}"), a_delivered(f"{n}"))])
    with closing(Views(path)) as views:
        Runner(log.ledger, views, all_projections()).catch_up()
    return path


def refilled(log: Log, path: Path) -> bool:
    """Whether it began with nothing; afterwards it is full again."""
    with closing(Views(path)) as views:
        runner = Runner(log.ledger, views, all_projections())
        was_empty = runner.position() == 0
        runner.catch_up()
        return was_empty


def test_a_file_in_good_order_is_kept(log: Log, filled: Path) -> None:
    assert not refilled(log, filled)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"this is not a database, whatever its name says" * 100),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(path.read_bytes()[:8192] + bytes(20_000) + path.read_bytes()[28_192:]),
        lambda path: path.write_bytes(b""),
    ],
    ids=["rubbish", "cut", "zeroes inside", "empty"],
)
def test_a_corrupt_file_is_rebuilt(log: Log, filled: Path, spoil: object) -> None:
    whole = dump_of(filled)
    spoil(filled)  # type: ignore[operator]

    assert refilled(log, filled)
    assert whole == dump_of(filled)


def test_a_file_of_another_schema_is_rebuilt(log: Log, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCHEMA_VERSION", module.SCHEMA_VERSION + 1)

    assert refilled(log, filled)
    assert not refilled(log, filled)


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "views.db").mkdir()

    with pytest.raises(sqlite3.OperationalError):
        Views(tmp_path / "views.db")


def test_a_reader_sees_one_moment_and_never_waits_for_the_writer(log: Log, views: Views, runner: Runner) -> None:
    log.append(registered())
    runner.catch_up()
    with views.writing() as writer:
        writer.execute("DELETE FROM bots")
        with views.reading() as reader:
            seen_during = reader.execute("SELECT COUNT(*) FROM bots").fetchone()
    with views.reading() as reader:
        before = reader.execute("SELECT COUNT(*) FROM bots").fetchone()
        log.append(registered(bot_id=5))
        runner.catch_up()

        assert before == reader.execute("SELECT COUNT(*) FROM bots").fetchone()
    assert (1,) == seen_during
    assert 1 == len(bots_of(views, TENANT))


def test_a_reader_cannot_write(views: Views) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"), views.reading() as connection:
        connection.execute("DELETE FROM positions")


def test_a_transaction_that_fails_leaves_nothing(views: Views, runner: Runner) -> None:
    before = dump(views)
    with pytest.raises(sqlite3.IntegrityError), views.writing() as connection:
        connection.executemany("UPDATE positions SET position=?", [(7,), (None,)])

    assert before == dump(views)
    assert 0 == runner.position()


def test_many_threads_read_at_once(log: Log, views: Views, runner: Runner) -> None:
    log.append(registered())
    runner.catch_up()
    together = threading.Barrier(8)
    seen = []

    def read() -> None:
        together.wait(10)
        seen.extend(bots_of(views, TENANT) for _ in range(50))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [1] * 400 == [len(rows) for rows in seen]


def test_every_projection_has_its_position_in_the_file(views: Views, runner: Runner) -> None:
    with views.reading() as connection:
        assert {state.name: state.position for state in runner.states()} == positions(connection)
