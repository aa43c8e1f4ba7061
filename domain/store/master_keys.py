"""Master keys: the newest seals the data keys, and each of them opens what it sealed.

A sealed data key names its master key by an id that tells nothing of the key: so it is known what is still sealed under
which, also to somebody who has none of them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
ID_BYTES = 8
FORMAT = b"\x02"
UNNAMED_BYTES = 60
"""Length of one that was sealed before master keys had ids: nonce, key, tag."""


class MasterKeys:
    """Texts of any length, newest first. It shows their ids, and a key to nobody."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        # AES wants 32 bytes and an operator may give any text: both become a key by hashing.
        keys = [hashlib.sha256(text).digest() for text in texts]
        self._ciphers = {key_id_of(key): AESGCM(key) for key in keys}
        self.ids = tuple(self._ciphers)
        self.newest = self.ids[0]

    def seal(self, tenant_id: str, data_key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        cipher = self._ciphers[self.newest].encrypt(nonce, data_key, tenant_id.encode())
        return FORMAT + bytes.fromhex(self.newest) + nonce + cipher

    def open(self, tenant_id: str, sealed: bytes) -> bytes | None:
        """None: none of them opens it."""
        found = self._opened(tenant_id, sealed)
        return found[1] if found else None

    def id_in(self, tenant_id: str, sealed: bytes) -> str:
        """Of the master key that it is sealed under, had or not; "": it has no name, and none of them opens it."""
        found = None if named_in(sealed) else self._opened(tenant_id, sealed)
        return found[0] if found else named_in(sealed)

    def _opened(self, tenant_id: str, sealed: bytes) -> tuple[str, bytes] | None:
        named = named_in(sealed)
        at = 1 + ID_BYTES if named else 0
        nonce, cipher = sealed[at : at + NONCE_BYTES], sealed[at + NONCE_BYTES :]
        for key_id in self.ids:
            if named not in ("", key_id):
                continue
            try:
                return key_id, self._ciphers[key_id].decrypt(nonce, cipher, tenant_id.encode())
            except InvalidTag:
                continue
        return None


def key_id_of(key: bytes) -> str:
    return hashlib.sha256(b"botloft master key id|" + key).digest()[:ID_BYTES].hex()


def named_in(sealed: bytes) -> str:
    """The id of the master key that it says it is under; "": it is of the time before there were ids."""
    return sealed[1 : 1 + ID_BYTES].hex() if len(sealed) != UNNAMED_BYTES else ""
