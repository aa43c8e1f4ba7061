"""A backup is whole or not there, and a restore puts a log where there is none, with the keys that open it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.errors import StoreUnusable, WrongMasterKey
from domain.events import AdminActed, CommandUncertain
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from domain.streams import day_stream
from ops.backup import backed_up, restored
from ops.sealed import opened_vault
from ops.settings import Settings
from tests.examples import NOON, TENANT, a_started, after

WHY = "a disk broke"


def at(state_dir: Path, **more: object) -> Settings:
    return Settings(state_dir=state_dir, _env_file=None, **more)  # type: ignore[call-arg, arg-type]  # pydantic's own


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Settings]:
    """A log that is in use, with a token in the vault and a command that is open."""
    settings = at(tmp_path / "here")
    with closing(settings.database.opened()) as store:
        vault, _ = opened_vault(settings, store)
        vault.seal(TENANT, "token", b"secret")
        event = a_started()
        Ledger(store).append([Entry(day_stream(event), 1, event)])
        yield settings


def log_of(settings: Settings) -> list[object]:
    with closing(settings.database.reader()) as store:
        return [recorded.event for recorded in Ledger(store).read(0, 100)]


def test_a_backup_beside_a_process_that_writes_is_one_file_for_its_owner_alone(here: Settings, tmp_path: Path) -> None:
    found = backed_up(here, tmp_path / "backup", with_key=False)

    assert (1, 1) == (found.position, len(found.key_ids))
    assert ["botloft.db"] == [path.name for path in (tmp_path / "backup").iterdir()]
    assert [a_started()] == log_of(here)


def test_with_its_key_a_backup_is_all_that_another_machine_needs(here: Settings, tmp_path: Path) -> None:
    backed_up(here, tmp_path / "backup", with_key=True)
    there = at(tmp_path / "there")
    found = restored(there, tmp_path / "backup", after(3600), WHY)
    names = {path.name for path in there.state_dir.iterdir()}
    acted, end = log_of(there)[1:]

    assert (1, a_started().occurred_at, 1) == found
    assert isinstance(acted, AdminActed)
    assert ("log.restore", "1", WHY) == (acted.action, acted.target, acted.reason)
    assert isinstance(end, CommandUncertain)
    assert (a_started().command_id, "delivery_uncertain") == (end.command_id, end.code)
    assert 0o600 == stat.S_IMODE((tmp_path / "there" / "master.key").stat().st_mode)
    assert {"botloft.db", "botloft.db.lock", "master.key"} == names


def test_without_the_key_a_log_is_not_put_back_and_the_next_try_is_free(here: Settings, tmp_path: Path) -> None:
    backed_up(here, tmp_path / "backup", with_key=False)
    there = at(tmp_path / "there")

    with pytest.raises(WrongMasterKey, match=r"master\.key is gone"):
        restored(there, tmp_path / "backup", NOON, WHY)

    assert ["botloft.db.lock"] == [path.name for path in there.state_dir.iterdir()]
    (there.state_dir / "master.key").write_bytes((here.state_dir / "master.key").read_bytes())
    assert 1 == restored(there, tmp_path / "backup", NOON, WHY).position


def test_a_log_that_is_there_is_not_written_over_and_its_views_stay(here: Settings, tmp_path: Path) -> None:
    backed_up(here, tmp_path / "backup", with_key=True)
    (here.state_dir / "views.db").write_bytes(b"views")

    with pytest.raises(StoreUnusable, match="is there already"):
        restored(here, tmp_path / "backup", NOON, WHY)

    assert [a_started()] == log_of(here)
    assert (here.state_dir / "views.db").exists()


def test_views_that_may_be_further_than_a_log_that_was_put_back_are_gone(here: Settings) -> None:
    (here.state_dir / "views.db").write_bytes(b"views")
    (here.state_dir / "checkpoints").mkdir()
    (here.state_dir / "checkpoints" / "1").write_bytes(b"views")
    restored(here, None, NOON, WHY)

    assert [] == [path for path in here.state_dir.iterdir() if path.name in ("views.db", "checkpoints")]


def test_a_directory_with_something_in_it_takes_no_backup(here: Settings, tmp_path: Path) -> None:
    backed_up(here, tmp_path / "backup", with_key=False)

    with pytest.raises(StoreUnusable, match="is not empty"):
        backed_up(here, tmp_path / "backup", with_key=False)


def test_a_backup_says_which_database_there_is_none_of(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="there is no log"):
        backed_up(at(tmp_path / "nowhere"), tmp_path / "backup", with_key=False)
    with pytest.raises(StoreUnusable, match="there is no log"):
        restored(at(tmp_path / "there"), tmp_path / "nothing", NOON, WHY)


def test_a_damaged_backup_is_not_put_back(here: Settings, tmp_path: Path) -> None:
    backed_up(here, tmp_path / "backup", with_key=True)
    file = tmp_path / "backup" / "botloft.db"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    there = at(tmp_path / "there")

    with pytest.raises(StoreUnusable):
        restored(there, tmp_path / "backup", NOON, WHY)

    assert not (there.state_dir / "botloft.db").exists()


def test_a_key_from_a_setting_is_not_in_the_file_to_be_copied(tmp_path: Path) -> None:
    settings = at(tmp_path / "here", master_keys="a master key that is in a setting")
    with closing(SQLiteStore(tmp_path / "here" / "botloft.db")) as store:
        opened_vault(settings, store)

    with pytest.raises(StoreUnusable, match="copy BOTLOFT_MASTER_KEYS yourself"):
        backed_up(settings, tmp_path / "backup", with_key=True)


def test_postgresql_has_its_own_way(tmp_path: Path) -> None:
    settings = at(tmp_path / "here", database_url="postgresql://nobody@127.0.0.1:9/none")

    with pytest.raises(StoreUnusable, match="is backed up by its own tools: pg_dump"):
        backed_up(settings, tmp_path / "backup", with_key=False)
