"""What is PostgreSQL's own: its schema and partitions, its restarts, and that nobody passes over a position."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta

import psycopg
import pytest

from domain.errors import AlreadyOwned, StaleStream, StoreUnavailable, StoreUnusable
from domain.store import postgres_connecting, postgres_schema
from domain.store.database import database_at
from domain.store.ledger import Ledger, Snapshot
from domain.store.mapper import Entry
from domain.store.postgres import NoPartition, PostgresStore
from domain.store.store import Database
from tests.examples import a_started
from tests.postgres_server import PASSWORD, PASSWORD_IN_URL, USER, PostgresServer
from tests.proxy import COMMITTED, Proxy

TODAY = date(2026, 7, 1)
STREAM = f"d/{TODAY}/1"


def entry(version: int, stream: str = "bot/1") -> Entry:
    return Entry(stream, version, a_started(f"{stream}#{version}"))


@pytest.fixture
def url(new_postgres_url: Callable[[], str]) -> str:
    return new_postgres_url()


@pytest.fixture
def fresh_url(postgres: PostgresServer) -> str:
    """Of a database with nothing in it."""
    return postgres.url(postgres.a_new_database(template="template0"))


@pytest.fixture
def database(url: str) -> Database:
    return database_at(url)


@pytest.fixture
def store(database: Database) -> Iterator[PostgresStore]:
    store = database.opened()
    assert isinstance(store, PostgresStore)
    with closing(store):
        yield store


@pytest.fixture
def ledger(store: PostgresStore) -> Ledger:
    return Ledger(store)


# Positions


def test_a_reader_beside_many_writers_never_passes_over_a_position(url: str) -> None:
    writers, batches = 4, 30
    done = threading.Event()

    def follow() -> list[int]:
        with closing(database_at(url).opened()) as store:
            seen: list[int] = []
            while True:
                last = done.is_set()
                # A batch is whole or not there, and nothing comes later before something that was seen.
                found = [row[0] for row in store.rows_after(len(seen), 1000)]
                seen += found
                if last and not found:
                    return seen

    def write(writer: int) -> None:
        with closing(database_at(url).opened()) as store:
            for batch in range(batches):
                Ledger(store).append([entry(batch * 3 + n, f"bot/{writer}") for n in (1, 2, 3)])

    with ThreadPoolExecutor(writers + 1) as threads:
        following = threads.submit(follow)
        list(threads.map(write, range(writers)))
        done.set()
        seen = following.result()

    assert list(range(1, writers * batches * 3 + 1)) == seen


def test_a_lost_acknowledgement_is_found_to_be_a_commit(postgres: PostgresServer, url: str) -> None:
    with closing(Proxy(postgres.port)) as proxy, closing(database_at(proxy.instead_of(url)).opened()) as store:
        ledger = Ledger(store)
        ledger.append([entry(1)])
        proxy.lose(COMMITTED)

        with pytest.raises(StoreUnavailable):
            ledger.append([entry(2), entry(3)])
        with pytest.raises(StaleStream):
            ledger.append([entry(2), entry(3)])

        assert 1 == proxy.lost
        assert [2, 3] == ledger.positions_of([entry(2), entry(3)])
        assert [4] == ledger.append([entry(4)])


# Restarts


def test_after_a_restart_the_next_read_and_the_next_write_work(postgres: PostgresServer, ledger: Ledger) -> None:
    ledger.append([entry(1)])
    with postgres.away():
        with pytest.raises(StoreUnavailable):
            ledger.head()
        with pytest.raises(StoreUnavailable):
            ledger.append([entry(2)])

    assert 1 == ledger.head()
    assert [2] == ledger.append([entry(2)])


def test_a_held_log_is_unavailable_and_then_goes_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_connecting, "SESSION", ("SET lock_timeout = '10ms'",))
    with closing(database_at(url).opened()) as store, psycopg.connect(url) as somebody:
        somebody.execute("SELECT head FROM log FOR UPDATE")

        with pytest.raises(StoreUnavailable, match="lock timeout"):
            Ledger(store).append([entry(1)])
        assert 0 == store.head()
        somebody.rollback()

        assert [1] == Ledger(store).append([entry(1)])


def test_every_commit_waits_for_the_disk_whatever_the_server_s_default(postgres: PostgresServer, url: str) -> None:
    postgres.run("ALTER DATABASE " + url.rpartition("/")[2] + " SET synchronous_commit = off")
    with closing(database_at(url).opened()) as store, store.reading() as cursor:
        found = cursor.execute("SHOW synchronous_commit").fetchall()
    postgres.run("ALTER DATABASE " + url.rpartition("/")[2] + " RESET synchronous_commit")

    assert [("on",)] == found


# The owner


def test_an_owner_whose_server_was_restarted_takes_its_lock_again(postgres: PostgresServer, database: Database) -> None:
    owner = database.owned_by("the first")
    with postgres.away(), pytest.raises(StoreUnavailable):
        owner.check()
    owner.check()

    with pytest.raises(AlreadyOwned, match="the first"):
        database.owned_by("the second")
    owner.release()


def test_an_owner_who_was_too_late_hears_of_it(postgres: PostgresServer, database: Database) -> None:
    slow = database.owned_by("the slow one")
    with postgres.away():
        pass
    quick = database.owned_by("the quick one")

    with pytest.raises(AlreadyOwned, match="the quick one"):
        slow.check()
    quick.check()
    slow.release()
    quick.release()


# Partitions


def partitions(store: PostgresStore) -> set[str]:
    with store.reading() as cursor:
        return {name for (name,) in cursor.execute(postgres_schema.PARTITIONS.encode()).fetchall()}


def rows_in(store: PostgresStore, table: str) -> int:
    with store.reading() as cursor:
        return int(cursor.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()[0][0])


def test_a_day_has_its_partition_and_lifecycles_lie_below_and_above(fresh_url: str) -> None:
    database_at(fresh_url).migrate(TODAY, dry_run=False)
    store = PostgresStore(postgres_connecting.conninfo_of(fresh_url), "")
    with closing(store):
        streams = ["alert/1", "bot/1", "tenant/acme", STREAM, f"d/{TODAY}/k/ff", f"d/{TODAY + timedelta(days=7)}/1"]
        Ledger(store).append([entry(1, stream) for stream in streams])

        assert {"events_below": 2, "events_above": 1, "events_d20260701": 2, "events_d20260708": 1} == {
            name: rows for name in partitions(store) if (rows := rows_in(store, name))
        }


def test_partitions_are_made_from_yesterday_to_seven_days_ahead_and_once(fresh_url: str) -> None:
    database_at(fresh_url).migrate(TODAY, dry_run=False)
    with closing(PostgresStore(postgres_connecting.conninfo_of(fresh_url), "")) as store:
        before = partitions(store)
        store.prepare(TODAY)
        store.prepare(TODAY + timedelta(days=1))

        assert {
            "events_below",
            "events_above",
            *(f"events_d2026070{n}" for n in range(1, 9)),
            "events_d20260630",
        } == before
        assert {"events_d20260709"} == partitions(store) - before
        assert date(2026, 7, 9) == store.room_until(TODAY)
        assert date(2026, 7, 9) == store.room_until(date(2026, 7, 10)), "yesterday: there is no room for today"


def test_an_event_of_any_day_finds_room(ledger: Ledger, store: PostgresStore) -> None:
    days = [date(1999, 12, 31), date(2026, 7, 1), date(2031, 2, 28), date(9998, 12, 31), date(9999, 12, 31)]

    assert list(range(1, 6)) == ledger.append([entry(1, f"d/{day}/1") for day in days])
    assert [6] == ledger.append([entry(2, "d/1999-12-31/1")])
    assert {"events_d19991231", "events_d20310228", "events_d99981231"} <= partitions(store)


def test_a_stream_of_no_day_at_all_is_no_stale_stream(ledger: Ledger) -> None:
    with pytest.raises(NoPartition, match="no partition for a stream"):
        ledger.append([entry(1, "d/0/1")])

    assert [1] == ledger.append([entry(1)])


def test_partitions_are_made_while_others_write(url: str) -> None:
    with closing(database_at(url).opened()) as one, closing(database_at(url).opened()) as other:

        def write(store: object, first: date) -> None:
            for n in range(15):
                Ledger(store).append([entry(1, f"d/{first + timedelta(days=n)}/{id(store)}")])  # type: ignore[arg-type]

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(write, (one, other), (date(2020, 1, 1), date(2020, 1, 8))))

        assert list(range(1, 31)) == [row[0] for row in one.rows_after(0, 100)]


# The schema


def test_migrating_says_what_it_would_do_and_then_does_exactly_that(fresh_url: str) -> None:
    database = database_at(fresh_url)
    would = database.migrate(TODAY, dry_run=True)
    with pytest.raises(StoreUnusable, match="Run `botloft migrate`"):
        database.opened()

    assert would == database.migrate(TODAY, dry_run=False)
    assert [] == database.migrate(TODAY, dry_run=False)
    assert [] == database.migrate(TODAY, dry_run=True)
    assert "CREATE TABLE schema_version (version integer NOT NULL)" == would[0]


def test_many_may_migrate_at_once(fresh_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: database_at(fresh_url).migrate(TODAY, dry_run=False), range(4)))

    assert [0, 0, 0] == sorted(map(len, done))[:3]
    assert max(map(len, done)) > 10


@pytest.mark.parametrize(
    ("version", "sentence"),
    [(99, "made by a newer Botloft"), (1, "an older Botloft. Run `botloft migrate`"), (0, "Run `botloft migrate`")],
)
def test_a_schema_that_is_not_ours_is_refused(fresh_url: str, version: int, sentence: str) -> None:
    database = database_at(fresh_url)
    database.migrate(TODAY, dry_run=False)
    with psycopg.connect(fresh_url) as somebody:
        somebody.execute("UPDATE schema_version SET version = %s", (version,))

    with pytest.raises(StoreUnusable, match=sentence):
        database.opened()


def test_a_newer_schema_is_not_migrated_back(fresh_url: str) -> None:
    database = database_at(fresh_url)
    database.migrate(TODAY, dry_run=False)
    with psycopg.connect(fresh_url) as somebody:
        somebody.execute("UPDATE schema_version SET version = 99")

    with pytest.raises(StoreUnusable, match="made by a newer Botloft"):
        database.migrate(TODAY, dry_run=False)


def test_another_application_s_table_is_not_taken_for_ours(fresh_url: str) -> None:
    with psycopg.connect(fresh_url) as somebody:
        somebody.execute("CREATE TABLE events (what text)")

    with pytest.raises(StoreUnusable, match='relation "events" already exists'):
        database_at(fresh_url).migrate(TODAY, dry_run=False)
    with psycopg.connect(fresh_url) as somebody:
        assert [(None,)] == somebody.execute("SELECT to_regclass('schema_version')").fetchall()


# Secrets


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda url: url.replace(PASSWORD_IN_URL, f"{PASSWORD_IN_URL}%zz"),
        lambda url: url.replace(PASSWORD_IN_URL, f"{PASSWORD_IN_URL}-wrong"),
        lambda url: url + "_missing",
        lambda url: url + "?nonsense=1",
        lambda url: url.replace("127.0.0.1", "127.0.0.1:99999:1"),
        lambda url: url.replace(f":{url.rpartition(':')[2]}", ":1/nobody_listens"),
    ],
)
def test_no_refusal_tells_the_password(url: str, spoilt: Callable[[str], str]) -> None:
    with pytest.raises(StoreUnusable) as refused:
        database_at(spoilt(url)).opened()

    said = str(refused.value) + repr(refused.value)
    assert PASSWORD not in said
    assert PASSWORD_IN_URL not in said
    assert "pass" not in said.replace("password", "")


def test_a_store_says_where_it_is_and_not_how_to_get_in(store: PostgresStore) -> None:
    assert PASSWORD not in store.name + repr(store) + repr(store.__dict__.keys())
    assert "PostgreSQL at 127.0.0.1:" in store.name
    assert USER not in store.name


def test_a_snapshot_is_replaced(ledger: Ledger) -> None:
    ledger.keep_snapshot(Snapshot("bot/1", 1, b"old"))
    ledger.keep_snapshot(Snapshot("bot/1", 2, b"new"))

    assert Snapshot("bot/1", 2, b"new") == ledger.snapshot("bot/1")
