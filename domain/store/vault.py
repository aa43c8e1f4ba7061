"""Secrets at rest: AES-GCM under a data key per tenant, each data key sealed by a master key (envelope encryption).

A sealed value begins with its format. What it is for (`purpose`) is authenticated with it, so a sealed value moved
elsewhere does not open. Destroying a tenant's data key shreds everything sealed under it. A new master key seals the
data keys anew (`domain/store/rotation.py`); what they sealed stays as it is.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Shredded, WrongMasterKey
from domain.store.data_keys import Reseal, SealedKey
from domain.store.master_keys import MasterKeys, named_in
from domain.store.store import Store

KEY_BYTES = 32
NONCE_BYTES = 12
NONCES_DRAWN = 256
FORMAT = b"\x01"
_CHECK = "vault-check"


class Nonces:
    """Drawn many at a time: asking the system for each costs as much as the sealing. Of any thread."""

    def __init__(self) -> None:
        self._left: list[bytes] = []

    def next(self) -> bytes:
        while True:
            try:
                return self._left.pop()
            except IndexError:
                drawn = os.urandom(NONCE_BYTES * NONCES_DRAWN)
                self._left.extend(drawn[at : at + NONCE_BYTES] for at in range(0, len(drawn), NONCE_BYTES))


class Vault:
    """`master_keys` newest first: the first seals, all open. Raises WrongMasterKey when none fits the database.

    `shredded`: tenants whose keys are gone, or must go.
    """

    def __init__(self, store: Store, master_keys: Sequence[bytes], shredded: Iterable[str] = ()) -> None:
        self._store = store
        self._shredded = set(shredded)
        self._masters = MasterKeys(master_keys)
        self._sealing = threading.Lock()
        """Held while a data key is sealed: none is stored under an older master key once there is a newer one."""
        self._data_keys: dict[str, AESGCM] = {}
        self._nonces = Nonces()
        self._check()
        self._data_key(_CHECK)

    def seal(self, tenant_id: str, purpose: str, plain: bytes) -> bytes:
        """Raises Shredded when the tenant's key was destroyed: it gets no other."""
        nonce = self._nonces.next()
        return FORMAT + nonce + self._data_key(tenant_id).encrypt(nonce, plain, _bound_to(tenant_id, purpose))

    def open(self, tenant_id: str, purpose: str, sealed: bytes) -> bytes:
        """Raises Shredded when the tenant's key is gone or the value is not what it claims to be."""
        nonce, cipher = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        key = self._known_key(tenant_id)
        if key is None or not sealed.startswith(FORMAT) or len(nonce) < NONCE_BYTES:
            raise Shredded(f"Tenant {tenant_id}, {purpose}.")
        try:
            return key.decrypt(nonce, cipher, _bound_to(tenant_id, purpose))
        except InvalidTag:
            raise Shredded(f"Tenant {tenant_id}, {purpose}.") from None

    def shred(self, *tenant_ids: str) -> None:
        """Destroys their keys. Raises StoreUnavailable: then ask again; nothing is opened or sealed meanwhile."""
        self._shredded.update(tenant_ids)
        for tenant_id in tenant_ids:
            self._data_keys.pop(tenant_id, None)
        self._store.data_keys.forget(*tenant_ids)

    @property
    def master_key_ids(self) -> tuple[str, ...]:
        """Newest first."""
        return self._masters.ids

    def take(self, master_keys: Sequence[bytes]) -> None:
        """From now on the first of these seals. Every key that data keys are still sealed under must be among them."""
        with self._sealing:
            self._masters = MasterKeys(master_keys)

    def data_keys_by_master(self) -> Counter[str]:
        """How many are sealed under which master key; "": under none that is known. Blocks."""
        return Counter(self._masters.id_in(*one) for one in self._stored_keys())

    def not_under_newest(self) -> list[SealedKey]:
        """Blocks."""
        return [one for one in self._stored_keys() if named_in(one.sealed) != self._masters.newest]

    def reseal(self, keys: Iterable[SealedKey]) -> list[str]:
        """Under the newest master key, in one transaction; whose data key none of them opens, and stays as it was.

        A data key that is destroyed meanwhile stays destroyed.
        """
        changes, lost = list[Reseal](), list[str]()
        for tenant_id, sealed in keys:
            data_key = self._masters.open(tenant_id, sealed)
            if data_key is None:
                lost.append(tenant_id)
            else:
                changes.append(Reseal(tenant_id, sealed, self._masters.seal(tenant_id, data_key)))
        self._store.data_keys.change(changes)
        return lost

    def _stored_keys(self) -> list[SealedKey]:
        return [one for one in self._store.data_keys.all() if one.tenant_id not in self._shredded]

    def _check(self) -> None:
        """All of them, not one: a master key may have been taken away before everything was sealed under the next."""
        counts = self.data_keys_by_master()
        missing = [key_id for key_id in counts if key_id not in self._masters.ids]
        if missing:
            count = sum(counts[key_id] for key_id in missing)
            named = " and ".join(sorted(key_id or "without an id" for key_id in missing))
            raise WrongMasterKey(
                f"{count} of its {counts.total()} data keys are sealed under the master key {named}; "
                f"given is {', '.join(self._masters.ids)}."
            )

    def _data_key(self, tenant_id: str) -> AESGCM:
        key = self._known_key(tenant_id)
        if key is None:
            if tenant_id in self._shredded:
                raise Shredded(f"Tenant {tenant_id}.")
            key = self._data_keys[tenant_id] = AESGCM(self._made_key(tenant_id))
            if tenant_id in self._shredded:
                # On another thread, while this one made the key.
                self.shred(tenant_id)
                raise Shredded(f"Tenant {tenant_id}.")
        return key

    def _known_key(self, tenant_id: str) -> AESGCM | None:
        """Opening makes no key: a tenant whose key was destroyed would get a new one."""
        if tenant_id in self._shredded:
            return None
        if tenant_id not in self._data_keys:
            stored = self._stored_key(tenant_id)
            if stored is None:
                return None
            self._data_keys[tenant_id] = AESGCM(stored)
        return self._data_keys[tenant_id]

    def _stored_key(self, tenant_id: str) -> bytes | None:
        sealed = self._store.data_keys.of(tenant_id)
        if sealed is None:
            return None
        data_key = self._masters.open(tenant_id, sealed)
        if data_key is None:
            raise WrongMasterKey(f"The data key of tenant {tenant_id} opens with none of the master keys.")
        return data_key

    def _made_key(self, tenant_id: str) -> bytes:
        """The first that is stored is the tenant's key: two threads may make one at the same time."""
        key = secrets.token_bytes(KEY_BYTES)
        with self._sealing:
            self._store.data_keys.keep(tenant_id, self._masters.seal(tenant_id, key))
        return self._stored_key(tenant_id) or key


def _bound_to(tenant_id: str, purpose: str) -> bytes:
    return f"{tenant_id}|{purpose}".encode()
