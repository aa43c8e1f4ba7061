"""Which master keys a database is opened with, and what an operator is told when they are not the right ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.errors import StoreUnusable, WrongMasterKey
from domain.store.sqlite import SQLiteStore
from ops.sealed import opened_vault
from ops.settings import Settings

MADE_WITH, OTHER, NEW = (
    "the one it was made with a long time ago",
    "that of quite another database somewhere",
    "a new one that is not used by anybody yet",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(tmp_path / "botloft.db")) as store:
        yield store


def settings(directory: Path, in_setting: str) -> Settings:
    return Settings(state_dir=directory, master_keys=in_setting, _env_file=None)  # type: ignore[call-arg, arg-type]  # pydantic's own


def refused(found: Settings, store: SQLiteStore) -> str | None:
    """With what sentence."""
    try:
        opened_vault(found, store)
    except (WrongMasterKey, StoreUnusable) as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("in_file", "in_setting", "said"),
    [
        (None, "", "master.key is gone. Put it back"),
        (OTHER, "", "master.key back that belongs to this database."),
        ("", "", "master.key is empty."),
        (None, OTHER, "Set BOTLOFT_MASTER_KEYS to the keys it was made with, newest first"),
        (OTHER, NEW, "Set BOTLOFT_MASTER_KEYS to the keys it was made with, newest first"),
        ("", NEW, "Set BOTLOFT_MASTER_KEYS to the keys it was made with, newest first"),
        (MADE_WITH, NEW, "opens it: append it to BOTLOFT_MASTER_KEYS (new,old)"),
        (f"{NEW}\n{MADE_WITH}", OTHER, "opens it: append it to BOTLOFT_MASTER_KEYS (new,old)"),
        (MADE_WITH, "", None),
        (f"{OTHER}\n{MADE_WITH}", "", None),
        (None, MADE_WITH, None),
        (OTHER, MADE_WITH, None),
        (None, f"{NEW},{MADE_WITH}", None),
    ],
)
def test_wrong_keys_are_refused_with_the_way_out_and_nothing_is_made(
    store: SQLiteStore, tmp_path: Path, in_file: str | None, in_setting: str, said: str | None
) -> None:
    opened_vault(settings(tmp_path, MADE_WITH), store)[0].seal("acme", "token", b"x")
    file = tmp_path / "master.key"
    if in_file is not None:
        file.write_text(in_file)
    found = refused(settings(tmp_path, in_setting), store)

    assert (said is None) == (found is None)
    assert (said or "") in (found or "")
    assert [] == [key for key in (MADE_WITH, OTHER, NEW) if key in (found or "")]
    assert in_file == (file.read_text() if file.exists() else None)


def test_where_nothing_is_sealed_yet_a_key_is_made(store: SQLiteStore, tmp_path: Path) -> None:
    opened_vault(settings(tmp_path, ""), store)

    assert 65 == (tmp_path / "master.key").stat().st_size


def test_the_data_key_of_a_tenant_that_is_being_removed_needs_no_key(store: SQLiteStore, tmp_path: Path) -> None:
    opened_vault(settings(tmp_path, f"{NEW},{MADE_WITH}"), store)
    opened_vault(settings(tmp_path, f"{MADE_WITH},{NEW}"), store)[0].seal("acme", "token", b"x")

    with pytest.raises(WrongMasterKey):
        opened_vault(settings(tmp_path, NEW), store)
    opened_vault(settings(tmp_path, NEW), store, {"acme"})
