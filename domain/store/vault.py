"""Secrets at rest: AES-GCM under a data key per tenant, each data key sealed by a master key (envelope encryption).

A sealed value begins with its format. What it is for (`purpose`) is authenticated with it, so a sealed value moved
elsewhere does not open. Destroying a tenant's data key shreds everything sealed under it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Shredded, StoreUnusable, WrongMasterKey
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

    def __init__(self, store: Store, master_keys: list[bytes], shredded: Iterable[str] = ()) -> None:
        self._store = store
        self._shredded = set(shredded)
        # AES wants 32 bytes and an operator may give any text: both become a key by hashing.
        self._masters = [AESGCM(hashlib.sha256(key).digest()) for key in master_keys]
        self._data_keys: dict[str, AESGCM] = {}
        self._nonces = Nonces()
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
        self._store.forget_data_keys(*tenant_ids)

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
        sealed = self._store.data_key(tenant_id)
        if sealed is None:
            return None
        for master in self._masters:
            try:
                return master.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], tenant_id.encode())
            except InvalidTag:
                continue
        raise WrongMasterKey(
            "Set BOTLOFT_MASTER_KEYS to the key it was made with, or put its master.key back into BOTLOFT_STATE_DIR."
        )

    def _made_key(self, tenant_id: str) -> bytes:
        """The first that is stored is the tenant's key: two threads may make one at the same time."""
        key, nonce = secrets.token_bytes(KEY_BYTES), os.urandom(NONCE_BYTES)
        sealed = nonce + self._masters[0].encrypt(nonce, key, tenant_id.encode())
        self._store.keep_data_key(tenant_id, sealed)
        return self._stored_key(tenant_id) or key


def master_key_file(path: Path) -> bytes:
    """The key in this file; made, for its owner's eyes only, where there is none yet."""
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _kept_key(path)
    except OSError as error:
        raise StoreUnusable(f"{path}: {error.strerror}. Is the directory there and writable?") from error
    key = secrets.token_hex(KEY_BYTES).encode()
    with os.fdopen(made, "wb") as file:
        file.write(key + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _kept_key(path: Path) -> bytes:
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise StoreUnusable(f"{path}: {error.strerror}. Is it a file that this user may read?") from error
    if not key:
        # A crash or a full disk may leave it so, and everybody knows the empty key.
        raise StoreUnusable(f"{path} is empty. Put the key back, or delete the file if nothing was kept under it yet.")
    return key


def _bound_to(tenant_id: str, purpose: str) -> bytes:
    return f"{tenant_id}|{purpose}".encode()
