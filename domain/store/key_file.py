"""The file that the master keys are in, where no setting holds them: one a line, newest first, for its owner alone."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from domain.errors import StoreUnusable

KEY_BYTES = 32


class KeyFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def keys(self) -> list[bytes]:
        """Empty: there is no such file. Raises StoreUnusable for one that is empty or cannot be read."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreUnusable(f"{self.path}: {error.strerror}. Is it a file that this user may read?") from error
        keys = [line.strip() for line in lines if line.strip()]
        if not keys:
            # A crash or a full disk may leave it so, and everybody knows the empty key.
            raise StoreUnusable(
                f"{self.path} is empty. Put the key back, or delete the file if nothing was kept under it yet."
            )
        return keys

    def made(self) -> list[bytes]:
        """The keys in it; where there is no file, one with a new key. Raises StoreUnusable."""
        return self.keys() or self.with_new_key()

    def with_new_key(self) -> list[bytes]:
        """A new key before all others. Raises StoreUnusable."""
        keys = [secrets.token_hex(KEY_BYTES).encode(), *self.keys()]
        self.write(keys)
        return keys

    def write(self, keys: list[bytes]) -> None:
        """All or nothing, and on the disk when this returns. Raises StoreUnusable."""
        beside = self.path.with_name(self.path.name + ".new")
        try:
            with suppress(FileNotFoundError):
                beside.unlink()
            made = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "wb") as file:
                self._give_to_owner(file.fileno())
                file.write(b"".join(key + b"\n" for key in keys))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
            directory = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise StoreUnusable(f"{self.path}: {error.strerror}. Is the directory there and writable?") from error

    def _give_to_owner(self, descriptor: int) -> None:
        """Root may write it for the gateway's user, who must be able to read it again."""
        with suppress(FileNotFoundError):
            owner = self.path.stat()
            if owner.st_uid != os.geteuid():
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
