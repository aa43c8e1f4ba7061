"""What is SQLite's own: its file, its locks, its version, and that it waits for the disk."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path

import pytest

from domain.errors import StoreUnavailable, StoreUnusable
from domain.store import sqlite
from domain.store.ledger import Ledger, Snapshot
from domain.store.mapper import Entry
from domain.store.sqlite import VERSION, SQLiteStore
from domain.store.sqlite_database import SQLiteDatabase
from tests.examples import a_started

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 7, 1)
SOON_S = 10.0


def entry(version: int) -> Entry:
    return Entry("bot/1", version, a_started())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "botloft.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(path)) as store:
        yield store


# Its file


def in_the_way(path: Path) -> Path:
    path.write_text("in the way")
    return path / "botloft.db"


def a_directory(path: Path) -> Path:
    path.mkdir()
    return path


def not_a_database(path: Path) -> Path:
    path.write_text("something else altogether, and rather longer than a header" * 20)
    return path


@pytest.mark.parametrize("spoilt", [in_the_way, a_directory, not_a_database])
def test_a_file_that_cannot_be_opened_is_named_with_advice(tmp_path: Path, spoilt) -> None:  # noqa: ANN001
    path = spoilt(tmp_path / "state")

    with pytest.raises(StoreUnusable, match=r"Is the directory there and writable\?") as refused:
        SQLiteStore(path)

    assert str(path) in str(refused.value)


def test_a_missing_directory_is_made(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "new" / "state" / "botloft.db")

    assert [1] == Ledger(store).append([entry(1)])

    store.close()


@pytest.mark.parametrize("name", ["with space.db", "50%?mode=memory.db", "#1.db", "ünïcode.db", ":memory:"])
def test_an_odd_name_is_a_name_like_any_other(tmp_path: Path, name: str) -> None:
    store = SQLiteStore(tmp_path / name)
    Ledger(store).append([entry(1)])
    store.close()
    store = SQLiteStore(tmp_path / name)

    assert (tmp_path / name).is_file()
    assert 1 == Ledger(store).head()

    store.close()


def test_a_locked_database_is_unavailable_and_then_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "LOCK_TIMEOUT_S", 0.01)
    store = SQLiteStore(path)
    ledger = Ledger(store)
    with closing(sqlite3.connect(path)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable):
            ledger.append([entry(1)])
        with pytest.raises(StoreUnavailable):
            ledger.keep_snapshot(Snapshot("bot/1", 1, b""))

        assert 0 == ledger.head()
        somebody.rollback()

    assert [1] == ledger.append([entry(1)])

    store.close()


# Durability


def test_every_connection_waits_for_the_disk_and_lets_readers_go_on(store: SQLiteStore) -> None:
    found = []
    with ExitStack() as at_once:
        for _ in range(5):
            cursor = at_once.enter_context(store.reading())
            cursor.execute("PRAGMA synchronous")
            synchronous = cursor.fetchone()[0]
            cursor.execute("PRAGMA journal_mode")
            found.append((synchronous, cursor.fetchone()[0]))
        writer = at_once.enter_context(store.writing())
        writer.execute("PRAGMA synchronous")
        found.append((writer.fetchone()[0], "wal"))

    assert [(2, "wal")] * 6 == found, "2 is FULL"


# Its schema


def test_a_file_of_an_older_version_gets_what_it_lacks(path: Path) -> None:
    SQLiteStore(path).close()
    with closing(sqlite3.connect(path)) as somebody:
        somebody.execute("PRAGMA user_version=0")
        somebody.execute("DROP TABLE data_keys")
        somebody.execute("DROP TABLE inbox")
    with closing(SQLiteStore(path)) as store:
        store.data_keys.keep("acme", b"sealed")
        assert [] == store.inbox.bots()
    with closing(sqlite3.connect(path)) as somebody:
        assert [(VERSION,)] == somebody.execute("PRAGMA user_version").fetchall()


def test_a_file_of_a_newer_botloft_is_refused_and_not_touched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as somebody:
        somebody.execute("PRAGMA user_version=99")

    with pytest.raises(StoreUnusable, match="was made by a newer Botloft"):
        SQLiteStore(path)

    with closing(sqlite3.connect(path)) as somebody:
        assert [] == somebody.execute("SELECT name FROM sqlite_master").fetchall()


def test_migrating_makes_the_file_and_then_has_nothing_to_do(path: Path) -> None:
    database = SQLiteDatabase(path)

    assert [f"make {path}"] == database.migrate(TODAY, dry_run=True)
    assert not path.exists()
    assert [f"make {path}"] == database.migrate(TODAY, dry_run=False)
    assert path.exists()
    assert [] == database.migrate(TODAY, dry_run=False)


def test_nothing_of_postgresql_is_imported_for_a_file(path: Path) -> None:
    code = (
        "import sys; from domain.store.database import database_at, sqlite_url; from pathlib import Path; "
        "import ops.serving, ops.cli; database_at(sqlite_url(Path(sys.argv[1]))).opened(); "
        "print([name for name in sys.modules if name.startswith('psycopg')])"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "[]\n" == ran.stdout


# Its data keys


def test_a_forgotten_data_key_is_in_none_of_its_files(path: Path, store: SQLiteStore) -> None:
    sealed = {f"tenant {number}": os.urandom(60) for number in range(200)}
    for tenant_id, key in sealed.items():
        store.data_keys.keep(tenant_id, key)
    for tenant_id in ("tenant 0", "tenant 77", "tenant 199"):
        store.data_keys.forget(tenant_id, "nobody")
    files = b"".join(file.read_bytes() for file in path.parent.glob("botloft.db*"))

    assert ["tenant 0", "tenant 77", "tenant 199"] == [one for one, key in sealed.items() if key not in files]


def test_while_a_reader_holds_the_write_ahead_log_a_key_is_not_said_to_be_forgotten_and_no_writer_waits_for_it(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.data_keys.keep("acme", b"sealed")
    monkeypatch.setattr(sqlite, "LOCK_TIMEOUT_S", 3600)
    with closing(SQLiteStore(store.path)) as patient, ThreadPoolExecutor(1) as beside:
        with store.reading() as cursor:
            cursor.execute("SELECT count(*) FROM data_keys")
            cursor.fetchall()
            forgets = beside.submit(patient.data_keys.forget, "acme")
            # Should it wait, the reader ends here, and it comes to its end too late.
            wait([forgets], SOON_S)
            gave_up = forgets.done()
        with pytest.raises(StoreUnavailable, match="write-ahead log"):
            forgets.result()
        patient.data_keys.forget("acme")
        with patient.reading() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            patience_ms = cursor.fetchone()[0]

    assert (True, 3_600_000) == (gave_up, patience_ms)
    assert None is store.data_keys.of("acme")
