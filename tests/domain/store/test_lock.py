"""One process owns the bots of a database; however it ends, its lock ends with it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.errors import AlreadyOwned, StoreUnusable
from domain.store.database import database_at
from domain.store.sqlite_database import OwnerLock
from domain.store.store import Database

ROOT = Path(__file__).parents[3]
OWNER = """
import sys
from domain.store.database import database_at
lock = database_at(sys.argv[1]).owned_by("process 4711 on example.net")
print("mine", flush=True)
sys.stdin.readline()
"""


@contextmanager
def another_process(database_url: str) -> Iterator[subprocess.Popen[str]]:
    """Owns the database until it is told otherwise."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, database_url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "mine\n" == process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused_and_told_who_holds_it(database: Database, database_url: str) -> None:
    with another_process(database_url), pytest.raises(AlreadyOwned) as refused:
        database.owned_by("me")

    assert "process 4711 on example.net" in str(refused.value)
    assert database.name in str(refused.value)
    assert re.search("use another BOTLOFT_(STATE_DIR|DATABASE_URL)", str(refused.value))


def test_the_lock_of_a_killed_process_is_free(database: Database, database_url: str) -> None:
    with another_process(database_url) as process:
        process.kill()
        process.wait()

        assert_can_be_taken(database)


def test_the_lock_of_a_process_that_ended_is_free(database: Database, database_url: str) -> None:
    with another_process(database_url) as process:
        process.communicate("done\n")

        assert_can_be_taken(database)


def assert_can_be_taken(database: Database) -> None:
    owner = database.owned_by("me")
    with pytest.raises(AlreadyOwned, match=r"me .*holds") as refused:
        database.owned_by("you")
    owner.release()

    assert "4711" not in str(refused.value)


def test_a_refused_process_leaves_the_owner_its_lock_and_its_name(database: Database) -> None:
    owner = database.owned_by("the first")
    for _ in range(2):
        with pytest.raises(AlreadyOwned, match="the first"):
            database.owned_by("the second")
    owner.release()


def test_the_next_owner_is_named_and_nothing_is_left_of_a_longer_name_before(database: Database) -> None:
    database.owned_by("a very long name of a process").release()
    owner = database.owned_by("me")

    with pytest.raises(AlreadyOwned) as refused:
        database.owned_by("you")
    owner.release()

    assert re.search("me (connected from .*)?holds", str(refused.value))
    assert "very long" not in str(refused.value)


def test_two_databases_have_two_owners(new_database_url: Callable[[], str]) -> None:
    databases = {f"owner {n}": database_at(new_database_url()) for n in range(2)}
    locks = [database.owned_by(owner) for owner, database in databases.items()]
    for owner, database in databases.items():
        with pytest.raises(AlreadyOwned, match=owner):
            database.owned_by("a third")
    for lock in locks:
        lock.release()


def test_an_owner_that_looks_finds_that_it_still_is(database: Database) -> None:
    owner = database.owned_by("me")
    owner.check()
    with pytest.raises(AlreadyOwned):
        database.owned_by("you")
    owner.release()


def test_a_directory_that_cannot_be_made_is_named_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreUnusable, match="writable") as refused:
        OwnerLock(tmp_path / "file" / "botloft.db", "me")

    assert str(tmp_path / "file") in str(refused.value)
