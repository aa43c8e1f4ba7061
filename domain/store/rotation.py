"""A new master key for a vault in use: data keys are sealed anew one batch after the other, payloads not at all.

Until the last one is done both keys open, so it may end anywhere and go on later. The new key is in its file, on the
disk, before the first data key is sealed under it; the old one leaves the file only by `retire`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from domain.errors import StoreError
from domain.store.key_file import KeyFile
from domain.store.master_keys import MasterKeys
from domain.store.store import Store
from domain.store.vault import Vault

BATCH = 200


class CannotRotate(StoreError):
    """The master key stays as it is."""


class MasterKeyUse(msgspec.Struct, frozen=True):
    key_id: str
    data_keys: int
    """How many are sealed under it."""


class Progress(msgspec.Struct, frozen=True):
    """Of the rotation that runs, or else of the last one since the process started."""

    state: str
    """`running`, `done` or `failed`."""
    done: int
    total: int
    rate_per_s: float
    error: str | None = None


class MasterKeyStatus(msgspec.Struct, frozen=True):
    keys: list[MasterKeyUse]
    """Newest first."""
    rotation: Progress | None = None


class Rotation:
    """Of the process that owns the database. All of it blocks, and may raise StoreUnavailable.

    `file` None: the keys are in a setting, which only the operator can change.
    """

    def __init__(self, store: Store, vault: Vault, file: KeyFile | None) -> None:
        self._store = store
        self._vault = vault
        self._file = file

    def status(self) -> list[MasterKeyUse]:
        """Newest first."""
        counts = self._vault.data_keys_by_master()
        return [MasterKeyUse(key_id, counts[key_id]) for key_id in self._vault.master_key_ids]

    def begin(self) -> int:
        """How many data keys are to be sealed anew. What an earlier rotation left is done without another new key.

        Raises CannotRotate, and StoreUnusable where the file cannot be written.
        """
        left = len(self._vault.not_under_newest())
        if left:
            return left
        if self._file is None:
            raise CannotRotate(
                "Everything is sealed under the newest key of BOTLOFT_MASTER_KEYS. Put a new one before it "
                "(new,old), restart the gateway, and rotate then."
            )
        self._check(self._file)
        self._vault.take(self._file.with_new_key())
        return len(self._vault.not_under_newest())

    def run(self, told: Callable[[int], bool]) -> list[str]:
        """`told` hears how many are done after each batch, and says whether to go on.

        Returns the tenants whose data key no master key opens.
        """
        lost = list[str]()
        left = self._vault.not_under_newest()
        for first in range(0, len(left), BATCH):
            batch = left[first : first + BATCH]
            lost += self._vault.reseal(batch)
            if not told(first + len(batch)):
                break
        return lost

    def retire(self) -> list[str]:
        """Takes those keys out of the file that seal nothing any more; their ids.

        Raises CannotRotate, and StoreUnusable where the file cannot be written.
        """
        if self._file is None:
            raise CannotRotate(
                "Take what seals nothing out of BOTLOFT_MASTER_KEYS yourself, and restart: `botloft vault status` "
                "says which."
            )
        self._check(self._file)
        older = self.status()[1:]
        if any(one.data_keys for one in older) or self._vault.not_under_newest():
            raise CannotRotate("Data keys are still sealed under an older one. Run `botloft vault rotate` first.")
        if older:
            # What lies about of them sealed under the old key must not outlive it.
            self._store.data_keys.overwrite_old()
            kept = self._file.keys()[:1]
            self._file.write(kept)
            self._vault.take(kept)
        return [one.key_id for one in older]

    def _check(self, file: KeyFile) -> None:
        """A file that somebody has changed meanwhile may lack a key that only this process still knows."""
        if MasterKeys(file.keys() or [b""]).ids != self._vault.master_key_ids:
            raise CannotRotate(
                f"{file.path} is not as this process found it when it started. Put it back as it was, or restart."
            )
