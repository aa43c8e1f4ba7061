"""The log in a real database: what is committed is whole, numbered for good, and there after a crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import StaleStream, StoreUnavailable, Unreadable
from domain.store.ledger import Ledger, Snapshot
from domain.store.mapper import Entry, Recorded
from domain.store.store import Database, Place
from tests.examples import NOON, a_delivered, a_hold, a_started, after

ROOT = Path(__file__).parents[3]
STREAM = "d/2026-07-01/7000000001"


def entry(version: int, stream: str = STREAM) -> Entry:
    return Entry(stream, version, a_started(f"{stream}#{version}"))


def entries(first: int, last: int, stream: str = STREAM) -> list[Entry]:
    return [entry(version, stream) for version in range(first, last + 1)]


def positions(recorded: Sequence[Recorded]) -> list[int]:
    return [one.position for one in recorded]


# Appending and reading


def test_an_empty_log_has_no_head_and_nothing_to_read(ledger: Ledger) -> None:
    assert 0 == ledger.head()
    assert [] == ledger.read(0, 10)
    assert [] == ledger.stream(STREAM)
    assert 0 == ledger.last_version(STREAM)
    assert 1 == ledger.low_water()


def test_positions_rise_by_one_across_streams_and_appends(ledger: Ledger) -> None:
    assert [1, 2, 3] == ledger.append([entry(1), entry(1, "bot/1"), entry(2)])
    assert [4, 5] == ledger.append(entries(2, 3, "bot/1"))
    assert 5 == ledger.head()
    assert [1, 2, 3, 4, 5] == positions(ledger.read(0, 10))


def test_what_is_read_is_what_was_appended(ledger: Ledger) -> None:
    appended = [entry(1), Entry("bot/1", 1, a_hold()), Entry(STREAM, 2, a_delivered())]
    ledger.append(appended)

    assert [Recorded(n, *one) for n, one in enumerate(appended, 1)] == ledger.read(0, 10)


def test_appending_nothing_writes_nothing(ledger: Ledger) -> None:
    assert [] == list(ledger.append([]))
    assert 0 == ledger.head()


def test_the_log_is_read_in_pieces(ledger: Ledger) -> None:
    ledger.append(entries(1, 5))

    assert [1, 2] == positions(ledger.read(0, 2))
    assert [3, 4] == positions(ledger.read(2, 2))
    assert [5] == positions(ledger.read(4, 2))
    assert [] == positions(ledger.read(5, 2))


@pytest.mark.parametrize("damage", ["topic='of-a-newer-version'", "state='{'", "state='{}'"])
def test_what_cannot_be_read_is_named_and_what_comes_before_it_is_read(store: Any, ledger: Ledger, damage: str) -> None:
    ledger.append(entries(1, 4))
    with store.writing() as cursor:
        cursor.execute(f"UPDATE events SET {damage} WHERE originator_version=3")

    assert [1, 2] == positions(ledger.read(0, 10))
    with pytest.raises(Unreadable) as found:
        ledger.read(2, 10)
    assert 3 == found.value.position
    assert f"{found.value.topic} at position 3: " in str(found.value)
    assert [4] == positions(ledger.read(3, 10))
    assert [[1, 2], [4], []] == [positions(ledger.readable(after, 10)) for after in (0, 2, 4)]


def test_the_time_of_the_next_event_is_told(ledger: Ledger) -> None:
    ledger.append(entries(1, 2))

    assert [NOON, NOON, None] == [ledger.time_after(position) for position in (0, 1, 2)]


def test_a_stream_is_read_by_itself_and_from_any_version_on(ledger: Ledger) -> None:
    ledger.append([*entries(1, 3), *entries(1, 2, "bot/1")])

    assert [1, 2, 3] == [one.version for one in ledger.stream(STREAM)]
    assert [3] == [one.version for one in ledger.stream(STREAM, after_version=2)]
    assert (3, 2, 0) == tuple(map(ledger.last_version, (STREAM, "bot/1", "bot/2")))


def test_a_prefix_picks_its_streams_and_no_others_in_the_order_of_the_log(ledger: Ledger) -> None:
    ledger.append([entry(1, s) for s in ("bot/2", "bot/1", "bos/9", "bot", "bot0", "bott/1", "tenant/bot/1", STREAM)])
    ledger.append([entry(2, "bot/1")])

    assert ["bot/2", "bot/1", "bot/1"] == [one.stream for one in ledger.streams_under("bot/")]


def test_streams_are_read_backwards_from_any_place(ledger: Ledger) -> None:
    names = ("admin/2026-07-01", "admin/2026-07-02", "admin/2026-07-03", "bot/1", "d/2026-07-01/1")
    ledger.append([Entry(name, version, a_started()) for version in (1, 2, 3) for name in names])
    all_of_them = [(name, version) for name in names[2::-1] for version in (3, 2, 1)]

    def back(first: str, before: Place, limit: int = 99) -> list[Place]:
        return [(one.stream, one.version) for one in ledger.back(first, before, limit)]

    assert all_of_them == back("admin/", ("admin/~", 9))
    assert all_of_them[:4] == back("admin/", ("admin/~", 9), 4)
    assert all_of_them[4:] == back("admin/", all_of_them[3])
    assert all_of_them[4:6] == back("admin/2026-07-02", all_of_them[3])
    assert [] == back("admin/", ("admin/2026-07-01", 1))


# Versions


def test_one_stale_stream_rejects_the_whole_append(ledger: Ledger) -> None:
    ledger.append(entries(1, 2))

    with pytest.raises(StaleStream):
        ledger.append([entry(1, "bot/1"), entry(2), entry(1, "bot/2")], mark=lambda _: 99)

    assert 2 == ledger.head()
    assert 0 == ledger.last_version("bot/1")
    assert 1 == ledger.low_water()


def test_a_refused_append_leaves_no_gap(ledger: Ledger) -> None:
    ledger.append(entries(1, 2))

    with pytest.raises(StaleStream):
        ledger.append([*entries(1, 5, "bot/1"), entry(2)])

    assert [3] == ledger.append([entry(3)])


def test_the_same_version_twice_in_one_append_is_stale_too(ledger: Ledger) -> None:
    with pytest.raises(StaleStream):
        ledger.append([entry(1), entry(1)])

    assert 0 == ledger.head()


def test_of_many_writers_of_one_version_one_wins_and_each_stream_is_whole(ledger: Ledger) -> None:
    def write(writer: int) -> bool:
        ledger.append(entries(1, 20, f"bot/{writer}"))
        try:
            ledger.append([entry(1), *entries(21, 22, f"bot/{writer}")])
        except StaleStream:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(write, range(8)))

    assert 1 == sum(won)
    assert list(range(1, 8 * 20 + 4)) == positions(ledger.read(0, 1000))
    assert [22 if winner else 20 for winner in won] == [ledger.last_version(f"bot/{n}") for n in range(8)]


def test_entries_are_found_again_where_exactly_they_stand(ledger: Ledger) -> None:
    ledger.append([entry(1), *entries(1, 2, "bot/1")])

    assert [1, 3] == ledger.positions_of([entry(1), entry(2, "bot/1")])
    assert [] == ledger.positions_of([])


def test_entries_of_which_one_is_missing_or_another_stands_there_are_not_found(ledger: Ledger) -> None:
    ledger.append([entry(1), Entry("bot/1", 1, a_hold()), entry(5, "bot/2")])

    assert ledger.positions_of([entry(1), entry(2)]) is None
    assert ledger.positions_of([entry(1), entry(1, "bot/1")]) is None
    assert ledger.positions_of([Entry(STREAM, 1, a_started("another command"))]) is None
    assert ledger.positions_of([entry(4, "bot/2")]) is None


# Positions for good


def test_positions_of_deleted_events_are_not_given_out_again(store: Any, ledger: Ledger) -> None:
    ledger.append(entries(1, 5))
    with store.writing() as cursor:
        cursor.execute("DELETE FROM events WHERE originator_version > 2")

    assert [6] == ledger.append([entry(3)])
    assert [1, 2, 6] == positions(ledger.read(0, 10))


def test_nor_after_a_restart(database: Database) -> None:
    store = database.opened()
    Ledger(store).append(entries(1, 5))
    with store.writing() as cursor:
        cursor.execute("DELETE FROM events")
    store.close()
    store = database.opened()

    assert [6] == Ledger(store).append([entry(1)])

    store.close()


# The low-water mark


def test_the_mark_is_told_the_positions_and_committed_with_them(ledger: Ledger) -> None:
    told: list[Sequence[int]] = []

    def mark(positions: Sequence[int]) -> int:
        told.append(positions)
        return 2

    ledger.append(entries(1, 3), mark)

    assert [1, 2, 3] == list(told[-1])
    assert 2 == ledger.low_water()


def test_none_leaves_the_mark_where_it_is(ledger: Ledger) -> None:
    ledger.append(entries(1, 3), mark=lambda _: 2)
    ledger.append([entry(4)], mark=lambda _: None)
    ledger.append([entry(5)])

    assert 2 == ledger.low_water()


def test_a_mark_that_cannot_be_made_writes_nothing(ledger: Ledger) -> None:
    def mark(_: Sequence[int]) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.append(entries(1, 3), mark)

    assert 0 == ledger.head()
    assert [1] == ledger.append([entry(1)])


def test_log_mark_and_snapshots_survive_a_restart(database: Database) -> None:
    store = database.opened()
    ledger = Ledger(store)
    ledger.append(entries(1, 4), mark=lambda _: 3)
    ledger.keep_snapshot(Snapshot("bot/1", 7, b"{}"))
    store.close()
    store = database.opened()
    ledger = Ledger(store)

    assert [Recorded(n, *entry(n)) for n in (1, 2, 3, 4)] == ledger.read(0, 10)
    assert 3 == ledger.low_water()
    assert Snapshot("bot/1", 7, b"{}") == ledger.snapshot("bot/1")
    assert [5] == ledger.append([entry(5)])

    store.close()


# Snapshots


def test_a_snapshot_is_kept_until_the_next_one(ledger: Ledger) -> None:
    ledger.keep_snapshot(Snapshot("bot/1", 7, b"old"))
    ledger.keep_snapshot(Snapshot("bot/1", 9, b"\x00new"))
    ledger.keep_snapshot(Snapshot("bot/2", 1, b"another's"))

    assert Snapshot("bot/1", 9, b"\x00new") == ledger.snapshot("bot/1")
    assert ledger.snapshot("bot/3") is None


# Trouble


def test_a_closed_store_is_unavailable(store: Any, ledger: Ledger) -> None:
    store.close()
    store.close()

    with pytest.raises(StoreUnavailable):
        ledger.append([entry(1)])
    with pytest.raises(StoreUnavailable):
        ledger.head()


# Durability


def test_readers_do_not_wait_for_a_writer_and_see_only_what_is_committed(store: Any, ledger: Ledger) -> None:
    ledger.append([entry(1)])
    with store.writing() as cursor:
        cursor.execute("DELETE FROM events")

        assert [1] == positions(ledger.read(0, 10))

    assert [] == ledger.read(0, 10)


BATCH = 7
WRITER = f"""
import sys
from domain.store.database import database_at
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from tests.examples import a_started
ledger = Ledger(database_at(sys.argv[1]).opened())
for batch in range(1_000_000):
    entries = [Entry(f"bot/{{batch}}", version, a_started()) for version in range(1, {BATCH} + 1)]
    print(ledger.append(entries, mark=lambda positions: positions[0])[-1], flush=True)
"""


@pytest.mark.parametrize("batches", [1, 20, 60])
def test_a_killed_writer_leaves_whole_batches_and_everything_it_was_told_is_there(
    database: Database, database_url: str, batches: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, database_url], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(batches):
            confirmed = int(writer.stdout.readline())
        writer.kill()
        confirmed = max([confirmed, *map(int, (line for line in writer.stdout if line.endswith("\n")))])
    store = database.opened()
    ledger = Ledger(store)
    log = ledger.read(0, 10**6)

    assert confirmed <= ledger.head()
    assert 0 == len(log) % BATCH
    assert [(f"bot/{n // BATCH}", n % BATCH + 1) for n in range(len(log))] == [(one.stream, one.version) for one in log]
    assert list(range(1, len(log) + 1)) == positions(log)
    assert len(log) - BATCH + 1 == ledger.low_water(), "the mark is that of the last whole batch"

    store.close()


# In any order


APPENDS = st.lists(
    st.lists(st.tuples(st.sampled_from(["bot/1", "bot/2"]), st.integers(-1, 1)), min_size=1, max_size=4), max_size=12
)


@given(appends=APPENDS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_against_a_list_an_append_is_all_or_nothing(ledger: Ledger, appends: list[list[tuple[str, int]]]) -> None:
    """Each entry takes the next version of its stream, or one beside it. Examples share a log, each behind the last."""
    before, model = ledger.head(), []
    for append in appends:
        taken = {(one.stream, one.version) for one in model}
        batch = []
        for name, beside in append:
            stream = f"{name}/{before}"
            newest = max((v for s, v in [*taken, *((e.stream, e.version) for e in batch)] if s == stream), default=0)
            batch.append(entry(max(1, newest + 1 + beside), stream))
        names = [(one.stream, one.version) for one in batch]
        try:
            ledger.append(batch)
        except StaleStream:
            assert taken & set(names) or len(set(names)) < len(names)
        else:
            assert not taken & set(names)
            model += [Recorded(before + len(model) + n, *one) for n, one in enumerate(batch, 1)]

        assert model == ledger.read(before, 1000)


# Times


def test_a_time_is_at_the_newest_position_that_was_reached_by_then(ledger: Ledger) -> None:
    assert 0 == ledger.position_at(after(0))
    for number in range(1, 10):
        ledger.append([Entry(STREAM, number, a_started(f"c{number}", occurred_at=after(10 * (number // 2))))])
    expected = {-1: 0, 0: 1, 9.9: 1, 10: 3, 15: 3, 20: 5, 39: 7, 40: 9, 1e6: 9}

    assert expected == {seconds: ledger.position_at(after(seconds)) for seconds in expected}


def test_a_time_stays_at_its_position_while_the_log_grows(ledger: Ledger) -> None:
    disorder = [0, 30, 10, 20, 15, 40, 35, 60, 50, 45, 70]
    for version, seconds in enumerate(disorder, 1):
        ledger.append([Entry(STREAM, version, a_started(f"c{version}", occurred_at=after(seconds)))])
    then = [ledger.position_at(after(seconds)) for seconds in range(0, 60, 5)]
    for version in range(12, 300):
        ledger.append([Entry(STREAM, version, a_started(f"c{version}", occurred_at=after(100 + version)))])

    assert then == [ledger.position_at(after(seconds)) for seconds in range(0, 60, 5)]
