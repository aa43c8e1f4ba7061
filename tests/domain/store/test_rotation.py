"""A new master key under a vault that is in use: cut anywhere, everything opens, and the next run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.errors import Shredded, WrongMasterKey
from domain.store import rotation as rotations
from domain.store.key_file import KeyFile
from domain.store.rotation import CannotRotate, MasterKeyUse, Rotation
from domain.store.vault import Vault
from tests.domain.store.test_vault import before_ids

TENANTS = [f"t_{number}" for number in range(7)]
LATER = "t_later"


def go_on(_: int) -> bool:
    return True


def never(_: int) -> bool:
    return False


class Process:
    """One that owns the database: it has read its keys when it started."""

    def __init__(self, store: Any, file: KeyFile) -> None:
        self.store = store
        self.vault = Vault(store, file.made())
        self.rotation = Rotation(store, self.vault, file)

    def rotate(self) -> list[str]:
        self.rotation.begin()
        return self.rotation.run(go_on)

    def opens(self, sealed: dict[str, bytes]) -> list[bytes]:
        return [self.vault.open(tenant_id, "token", one) for tenant_id, one in sealed.items()]


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "master.key")


@pytest.fixture
def process(store: Any, file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> Process:
    monkeypatch.setattr(rotations, "BATCH", 3)
    return Process(store, file)


@pytest.fixture
def sealed(process: Process) -> dict[str, bytes]:
    return {tenant_id: process.vault.seal(tenant_id, "token", tenant_id.encode()) for tenant_id in TENANTS}


PLAIN = [tenant_id.encode() for tenant_id in TENANTS]


def test_after_a_rotation_everything_opens_with_the_new_key_alone(
    process: Process, sealed: dict[str, bytes], store: Any, file: KeyFile
) -> None:
    (old,) = process.vault.master_key_ids
    assert [] == process.rotate()
    new, _ = process.vault.master_key_ids

    assert [MasterKeyUse(new, 8), MasterKeyUse(old, 0)] == process.rotation.status()
    assert PLAIN == process.opens(sealed)
    assert [old] == process.rotation.retire()
    assert [MasterKeyUse(new, 8)] == process.rotation.status()
    assert 1 == len(file.keys())
    assert PLAIN == Process(store, file).opens(sealed)
    assert [] == process.rotation.retire()


@pytest.mark.parametrize("batches", [0, 1, 2])
def test_a_rotation_that_was_cut_loses_nothing_and_the_next_process_goes_on_with_the_same_new_key(
    process: Process, sealed: dict[str, bytes], store: Any, file: KeyFile, batches: int
) -> None:
    process.rotation.begin()
    if batches:
        process.rotation.run(lambda done: done < 3 * batches)
    between = Process(store, file)
    new, old = between.vault.master_key_ids

    assert [MasterKeyUse(new, 3 * batches), MasterKeyUse(old, 8 - 3 * batches)] == between.rotation.status()
    assert PLAIN == between.opens(sealed)
    with pytest.raises(CannotRotate, match="still sealed under an older one"):
        between.rotation.retire()
    assert 8 - 3 * batches == between.rotation.begin()
    between.rotation.run(go_on)
    assert [MasterKeyUse(new, 8), MasterKeyUse(old, 0)] == between.rotation.status()
    assert PLAIN == Process(store, file).opens(sealed)


def test_while_it_rotates_tenants_come_and_go(process: Process, sealed: dict[str, bytes], store: Any) -> None:
    process.rotation.begin()
    process.rotation.run(never)
    read_before = store.data_keys.all()
    process.vault.shred(TENANTS[5])
    process.vault.seal(LATER, "token", b"later")
    process.vault.reseal(read_before)
    process.rotation.run(go_on)

    assert [*TENANTS[:5], TENANTS[6], LATER, "vault-check"] == sorted(one.tenant_id for one in store.data_keys.all())
    assert [] == process.vault.not_under_newest()
    with pytest.raises(Shredded):
        process.vault.open(TENANTS[5], "token", sealed[TENANTS[5]])


def test_a_second_rotation_takes_another_key_and_older_ones_may_all_be_retired_at_once(
    process: Process, sealed: dict[str, bytes], file: KeyFile
) -> None:
    process.rotate()
    process.rotate()
    newest, *older = process.vault.master_key_ids

    assert [newest, 8, 0, 0] == [newest, *(one.data_keys for one in process.rotation.status())]
    assert older == process.rotation.retire()
    assert (1, PLAIN) == (len(file.keys()), process.opens(sealed))


def test_a_data_key_from_before_ids_is_sealed_under_the_new_one_like_all_others(
    process: Process, store: Any, file: KeyFile
) -> None:
    store.data_keys.keep("acme", before_ids(file.keys()[0], "acme", b"d" * 32))
    process.rotate()
    process.rotation.retire()

    assert {process.vault.master_key_ids[0]: 2} == Process(store, file).vault.data_keys_by_master()


def test_keys_in_a_setting_are_rotated_once_there_is_a_new_one_before_them(store: Any) -> None:
    sealed = Vault(store, [b"old"]).seal("acme", "token", b"secret")
    same = Vault(store, [b"old"])

    with pytest.raises(CannotRotate, match=r"new,old"):
        Rotation(store, same, None).begin()

    both = Vault(store, [b"new", b"old"])
    rotation = Rotation(store, both, None)
    assert 2 == rotation.begin()
    assert [] == rotation.run(go_on)
    with pytest.raises(CannotRotate, match="Take what seals nothing out"):
        rotation.retire()
    assert b"secret" == Vault(store, [b"new"]).open("acme", "token", sealed)


def test_a_key_that_is_still_needed_may_not_be_left_out(
    process: Process, sealed: dict[str, bytes], store: Any, file: KeyFile
) -> None:
    process.rotation.begin()
    process.rotation.run(never)
    new = process.vault.master_key_ids[0]

    with pytest.raises(WrongMasterKey, match="5 of its 8 data keys") as refused:
        Vault(store, file.keys()[:1])

    assert f"given is {new}." in str(refused.value)
    assert sealed.keys() == set(TENANTS)


def test_a_data_key_that_was_tampered_with_is_named_and_holds_nobody_else_up(
    process: Process, sealed: dict[str, bytes], store: Any
) -> None:
    kept = store.data_keys.of("t_3")
    store.data_keys.forget("t_3")
    store.data_keys.keep("t_3", kept[:-1] + bytes([kept[-1] ^ 1]))

    assert ["t_3"] == process.rotate()
    assert [7, 1] == [one.data_keys for one in process.rotation.status()]
    with pytest.raises(CannotRotate):
        process.rotation.retire()
    assert sealed.keys() == set(TENANTS)


@pytest.mark.parametrize("content", [b"another key\n", b""])
def test_a_file_that_was_changed_under_the_process_is_not_built_upon(
    process: Process, sealed: dict[str, bytes], file: KeyFile, content: bytes
) -> None:
    file.path.write_bytes(content)
    if not content:
        file.path.unlink()

    with pytest.raises(CannotRotate, match="is not as this process found it"):
        process.rotation.begin()

    assert content == (file.path.read_bytes() if content else b"")
    assert PLAIN == process.opens(sealed)
