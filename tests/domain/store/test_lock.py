"""One process owns the bots of a database; however it ends, its lock ends with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.errors import AlreadyOwned, StoreUnusable
from domain.store.sqlite import OwnerLock

ROOT = Path(__file__).parents[3]
OWNER = """
import sys
from pathlib import Path
from domain.store.sqlite import OwnerLock
lock = OwnerLock(Path(sys.argv[1]), "process 4711 on example.net")
print("mine", flush=True)
sys.stdin.readline()
"""


@contextmanager
def another_process(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Owns the database until it is told otherwise."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(database)],
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


def test_a_second_process_is_refused_and_told_who_holds_it(database: Path) -> None:
    with another_process(database), pytest.raises(AlreadyOwned) as refused:
        OwnerLock(database, "me")

    assert "process 4711 on example.net" in str(refused.value)
    assert str(database) in str(refused.value)
    assert "BOTLOFT_STATE_DIR" in str(refused.value)


def test_the_lock_of_a_killed_process_is_free(database: Path) -> None:
    with another_process(database) as process:
        process.kill()
        process.wait()

        OwnerLock(database, "me").release()


def test_the_lock_of_a_process_that_ended_is_free(database: Path) -> None:
    with another_process(database) as process:
        process.communicate("done\n")

        OwnerLock(database, "me").release()


def test_a_refused_process_leaves_the_owner_its_lock_and_its_name(database: Path) -> None:
    owner = OwnerLock(database, "the first")
    for _ in range(2):
        with pytest.raises(AlreadyOwned, match="the first"):
            OwnerLock(database, "the second")
    owner.release()


def test_the_next_owner_is_named_and_nothing_is_left_of_a_longer_name_before(database: Path) -> None:
    OwnerLock(database, "a very long name of a process").release()
    owner = OwnerLock(database, "me")

    with pytest.raises(AlreadyOwned) as refused:
        OwnerLock(database, "you")
    owner.release()

    assert "me holds" in str(refused.value)
    assert "very long" not in str(refused.value)


def test_two_databases_have_two_owners(tmp_path: Path) -> None:
    for lock in [OwnerLock(tmp_path / "a.db", "me"), OwnerLock(tmp_path / "b.db", "me")]:
        lock.release()


def test_a_directory_that_cannot_be_made_is_named_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreUnusable, match="writable") as refused:
        OwnerLock(tmp_path / "file" / "botloft.db", "me")

    assert str(tmp_path / "file") in str(refused.value)
