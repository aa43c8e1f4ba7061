"""Secrets at rest, in a real database: sealed under a tenant's key, which is sealed under a master key."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import Shredded, WrongMasterKey
from domain.store.master_keys import MasterKeys
from domain.store.store import Database
from domain.store.vault import Vault
from tests.examples import OTHER_TENANT, TENANT, TOKEN_TEXT

MASTER = b"a master key that an operator chose"
OLDER = b"the one before"
PLAIN = TOKEN_TEXT.encode()

same_store = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Sealing leaves nothing behind but the tenant's key, so examples may share a store."""


@pytest.fixture
def vault(store: Any) -> Vault:
    return Vault(store, [MASTER])


def data_keys(store: Any) -> list[str]:
    return [one.tenant_id for one in store.data_keys.all()]


def destroy_key(store: Any, tenant_id: str) -> None:
    store.data_keys.forget(tenant_id)


@given(plain=st.binary(max_size=200), tenant_id=st.sampled_from(["a", "b", "Ü"]), purpose=st.text(max_size=10))
@same_store
def test_what_was_sealed_opens_again(vault: Vault, plain: bytes, tenant_id: str, purpose: str) -> None:
    assert plain == vault.open(tenant_id, purpose, vault.seal(tenant_id, purpose, plain))


def test_sealed_bytes_do_not_contain_the_plain_text(vault: Vault) -> None:
    sealed = vault.seal(TENANT, "token", PLAIN)

    assert PLAIN not in sealed
    assert PLAIN[-10:] not in sealed


def test_the_same_thing_sealed_twice_looks_different(vault: Vault) -> None:
    assert vault.seal(TENANT, "token", PLAIN) != vault.seal(TENANT, "token", PLAIN)


def test_a_value_moved_to_another_purpose_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(TENANT, "token", PLAIN)

    with pytest.raises(Shredded):
        vault.open(TENANT, "webhook secret", sealed)


def test_a_value_moved_to_another_tenant_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(TENANT, "token", PLAIN)
    vault.seal(OTHER_TENANT, "token", PLAIN)

    with pytest.raises(Shredded, match=OTHER_TENANT):
        vault.open(OTHER_TENANT, "token", sealed)


@given(at=st.integers(0, 100), flipped=st.integers(1, 255))
@same_store
def test_a_value_with_any_byte_changed_does_not_open(vault: Vault, at: int, flipped: int) -> None:
    sealed = bytearray(vault.seal(TENANT, "token", PLAIN))
    sealed[at % len(sealed)] ^= flipped

    with pytest.raises(Shredded):
        vault.open(TENANT, "token", bytes(sealed))


@given(kept=st.integers(0, 60))
@same_store
def test_a_value_cut_anywhere_does_not_open(vault: Vault, kept: int) -> None:
    sealed = vault.seal(TENANT, "token", PLAIN)

    with pytest.raises(Shredded):
        vault.open(TENANT, "token", sealed[: min(kept, len(sealed) - 1)])


def test_a_refusal_to_open_tells_neither_key_nor_content(vault: Vault) -> None:
    sealed = vault.seal(TENANT, "token", PLAIN)

    with pytest.raises(Shredded) as refused:
        vault.open(TENANT, "something else", sealed)

    assert TOKEN_TEXT not in str(refused.value)
    assert MASTER.decode() not in str(refused.value)


# Keys


def test_after_a_restart_everything_opens(database: Database) -> None:
    store = database.opened()
    sealed = Vault(store, [MASTER]).seal(TENANT, "token", PLAIN)
    store.close()
    store = database.opened()

    assert PLAIN == Vault(store, [MASTER]).open(TENANT, "token", sealed)

    store.close()


def test_a_wrong_master_key_is_refused_at_start_and_both_are_named(store: Any) -> None:
    right = Vault(store, [MASTER]).master_key_ids[0]

    with pytest.raises(WrongMasterKey, match="1 of its 1 data keys") as refused:
        Vault(store, [b"a wrong one"])

    assert right in str(refused.value)
    assert MasterKeys([b"a wrong one"]).newest in str(refused.value)

    assert MASTER.decode() not in str(refused.value)
    assert "a wrong one" not in str(refused.value)


def test_older_master_keys_still_open_and_the_newest_seals(store: Any) -> None:
    sealed = Vault(store, [OLDER]).seal(TENANT, "token", PLAIN)
    rotated = Vault(store, [MASTER, OLDER])
    fresh = rotated.seal(OTHER_TENANT, "token", PLAIN)

    assert PLAIN == rotated.open(TENANT, "token", sealed)
    assert PLAIN == Vault(store, [OLDER, MASTER]).open(OTHER_TENANT, "token", fresh)

    with pytest.raises(WrongMasterKey, match="1 of its 3 data keys"):
        Vault(store, [OLDER])


def test_destroying_a_tenant_s_key_shreds_what_it_sealed_and_nothing_else(store: Any, vault: Vault) -> None:
    mine, theirs = vault.seal(TENANT, "token", PLAIN), vault.seal(OTHER_TENANT, "token", PLAIN)
    destroy_key(store, TENANT)
    restarted = Vault(store, [MASTER])

    with pytest.raises(Shredded, match=TENANT):
        restarted.open(TENANT, "token", mine)

    assert PLAIN == restarted.open(OTHER_TENANT, "token", theirs)


def test_a_shredded_tenant_s_values_open_no_more_and_it_gets_no_new_key(store: Any, vault: Vault) -> None:
    mine, theirs = vault.seal(TENANT, "token", PLAIN), vault.seal(OTHER_TENANT, "token", PLAIN)
    vault.shred(TENANT)

    with pytest.raises(Shredded, match=TENANT):
        vault.open(TENANT, "token", mine)
    with pytest.raises(Shredded, match=TENANT):
        vault.seal(TENANT, "token", PLAIN)
    assert [OTHER_TENANT, "vault-check"] == data_keys(store)
    assert PLAIN == vault.open(OTHER_TENANT, "token", theirs)


def test_what_is_to_be_shredded_is_closed_from_the_start_and_shredded_twice_without_harm(store: Any) -> None:
    mine = Vault(store, [MASTER]).seal(TENANT, "token", PLAIN)
    restarted = Vault(store, [MASTER], [TENANT])

    with pytest.raises(Shredded):
        restarted.open(TENANT, "token", mine)
    with pytest.raises(Shredded):
        restarted.seal(TENANT, "token", PLAIN)
    restarted.shred(TENANT, "nobody")
    restarted.shred(TENANT)
    assert ["vault-check"] == data_keys(store)


def test_a_key_that_is_made_while_its_tenant_is_shredded_is_destroyed_too(store: Any) -> None:
    class SlowKeys:
        """The shredding happens just before the new key is kept."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store.data_keys, name)

        def keep(self, tenant_id: str, sealed: bytes) -> None:
            if tenant_id == TENANT:
                vault.shred(TENANT)
            store.data_keys.keep(tenant_id, sealed)

    class Slow:
        data_keys = SlowKeys()

    vault = Vault(Slow(), [MASTER])  # type: ignore[arg-type]  # all of a store

    with pytest.raises(Shredded):
        vault.seal(TENANT, "token", PLAIN)
    assert ["vault-check"] == data_keys(store)


def test_trying_to_open_makes_no_new_key_for_whoever_has_none(store: Any, vault: Vault) -> None:
    sealed = vault.seal(TENANT, "token", PLAIN)
    before = data_keys(store)

    with pytest.raises(Shredded):
        vault.open(OTHER_TENANT, "token", sealed)

    assert before == data_keys(store)


def test_no_key_is_stored_in_clear(store: Any, vault: Vault) -> None:
    vault.seal(TENANT, "token", PLAIN)
    stored = store.data_keys.of(TENANT)

    assert MASTER not in stored
    assert PLAIN not in stored
    assert [TENANT, "vault-check"] == data_keys(store)


def test_many_threads_that_seal_a_tenants_first_values_share_one_key(store: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        vaults = [Vault(store, [b"the master key"]) for _ in range(8)]
        sealed = list(pool.map(lambda vault: vault.seal("acme", "token/1", b"secret"), vaults))

        assert [b"secret"] * 8 == [vaults[0].open("acme", "token/1", one) for one in sealed]


# Under which master key


def test_a_sealed_data_key_names_its_master_key_also_to_somebody_who_has_it_not(store: Any) -> None:
    vault = Vault(store, [MASTER])
    vault.seal(TENANT, "token", PLAIN)
    stranger = MasterKeys([b"another"])

    assert {vault.master_key_ids[0]: 2} == vault.data_keys_by_master()
    assert {vault.master_key_ids[0]} == {stranger.id_in(*one) for one in store.data_keys.all()}


@given(texts=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5))
@settings(max_examples=50)
def test_the_first_master_key_seals_and_each_opens_however_often_it_is_given(texts: list[bytes]) -> None:
    keys = MasterKeys(texts)
    sealed = keys.seal(TENANT, b"k" * 32)

    assert b"k" * 32 == MasterKeys(texts[:1]).open(TENANT, sealed)
    assert (MasterKeys(texts[:1]).newest, len(set(texts))) == (keys.newest, len(keys.ids))


def test_what_was_sealed_before_master_keys_had_ids_opens_and_is_counted(store: Any) -> None:
    data_key = b"d" * 32
    store.data_keys.keep(TENANT, before_ids(MASTER, TENANT, data_key))
    vault = Vault(store, [MASTER, OLDER])
    sealed = vault.seal(TENANT, "token", PLAIN)

    assert PLAIN == Vault(store, [OLDER, MASTER]).open(TENANT, "token", sealed)
    assert {vault.master_key_ids[0]: 2} == vault.data_keys_by_master()
    assert [TENANT] == [one.tenant_id for one in vault.not_under_newest()]
    with pytest.raises(WrongMasterKey, match="without an id"):
        Vault(store, [OLDER])


def before_ids(master: bytes, tenant_id: str, data_key: bytes) -> bytes:
    nonce = b"n" * 12
    return nonce + AESGCM(hashlib.sha256(master).digest()).encrypt(nonce, data_key, tenant_id.encode())


def test_a_data_key_with_any_byte_changed_or_moved_to_another_tenant_is_no_data_key(store: Any) -> None:
    vault = Vault(store, [MASTER])
    vault.seal(TENANT, "token", PLAIN)
    keys, (_, sealed) = MasterKeys([MASTER]), next(one for one in store.data_keys.all() if one.tenant_id == TENANT)
    damaged = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(1, len(sealed))]

    assert [None] * len(damaged) == [keys.open(TENANT, one) for one in damaged]
    assert None is keys.open(OTHER_TENANT, sealed)
