"""The file of the master keys: made once, one key a line, for its owner alone, never half written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from domain.errors import StoreUnusable
from domain.store.key_file import KeyFile


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "master.key")


def test_a_made_master_key_is_for_its_owner_s_eyes_only_and_stays(file: KeyFile) -> None:
    made = file.made()

    assert 0o600 == stat.S_IMODE(file.path.stat().st_mode)
    assert [64] == [len(key) for key in made]
    assert made == file.made()
    assert ["master.key"] == [path.name for path in file.path.parent.iterdir()]


def test_two_made_master_keys_differ(tmp_path: Path) -> None:
    assert KeyFile(tmp_path / "a").made() != KeyFile(tmp_path / "b").made()


def test_where_there_is_no_file_there_are_no_keys_and_none_is_made_by_looking(file: KeyFile) -> None:
    assert [] == file.keys()
    assert not file.path.exists()


def test_an_existing_master_key_is_read_without_the_newline_of_an_editor(file: KeyFile) -> None:
    file.path.write_bytes(b"chosen by an operator\r\n\n")

    assert [b"chosen by an operator"] == file.made()


def test_a_new_key_comes_before_the_old_ones_and_the_file_stays_its_owner_s_alone(file: KeyFile) -> None:
    file.path.write_bytes(b"the old one")
    file.path.chmod(0o644)
    keys = file.with_new_key()

    assert (2, b"the old one") == (len(keys), keys[1])
    assert keys == KeyFile(file.path).keys()
    assert 0o600 == stat.S_IMODE(file.path.stat().st_mode)


def test_what_a_crash_left_beside_it_is_not_in_the_way(file: KeyFile) -> None:
    old = file.made()
    file.path.with_name("master.key.new").write_bytes(b"half a k")

    assert old == file.with_new_key()[1:]
    assert ["master.key"] == [path.name for path in file.path.parent.iterdir()]


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n"])
def test_an_empty_master_key_is_no_key(file: KeyFile, content: bytes) -> None:
    file.path.write_bytes(content)

    with pytest.raises(StoreUnusable, match="is empty") as refused:
        file.made()

    assert str(file.path) in str(refused.value)
    assert content == file.path.read_bytes()


@pytest.mark.parametrize("place", ["missing/master.key", "."])
def test_a_master_key_that_can_be_neither_read_nor_made_is_named(tmp_path: Path, place: str) -> None:
    with pytest.raises(StoreUnusable) as refused:
        KeyFile(tmp_path / place).made()

    assert str(tmp_path / place) in str(refused.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may write for somebody else")
def test_root_writes_it_for_the_user_who_has_it(file: KeyFile) -> None:
    file.made()
    os.chown(file.path, 12345, 12346)
    file.with_new_key()

    assert (12345, 12346) == (file.path.stat().st_uid, file.path.stat().st_gid)
