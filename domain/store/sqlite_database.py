"""A SQLite log as a whole: who owns it, and how it is opened."""

from __future__ import annotations

import fcntl
import os
from datetime import date
from pathlib import Path

from eventsourcing.sqlite import SQLiteDatastore

from domain.errors import AlreadyOwned, StoreUnusable
from domain.store.sqlite import SQLiteStore
from domain.store.sqlite_data_keys import SQLiteDataKeys
from domain.store.sqlite_inbox import SQLiteInbox


class OwnerLock:
    """One process owns the bots of a file. The system drops the lock when the process ends, however it ends."""

    def __init__(self, database: Path, holder: str) -> None:
        self._path = database.with_name(database.name + ".lock")
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnusable(f"{self._path}: {error.strerror}. Is the directory there and writable?") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(self._file, 500, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise AlreadyOwned(f"{owner} holds {self._path}. Stop it, or use another BOTLOFT_STATE_DIR.") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, holder.encode(), 0)

    def check(self) -> None:
        """While the process lives nobody takes it away."""

    def release(self) -> None:
        os.close(self._file)


class SQLiteReader(SQLiteStore):
    """Of a log that somebody else may be writing to: it is never made or changed. Raises StoreUnusable without one."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise StoreUnusable(f"{path}: there is no log. BOTLOFT_STATE_DIR names the directory that it is in.")
        self.path = path
        self.datastore = SQLiteDatastore(f"{path.absolute().as_uri()}?mode=ro", originator_id_type="text")
        self.inbox = SQLiteInbox(self.reading, self.writing)
        self.data_keys = SQLiteDataKeys(self.reading, self.writing)


class SQLiteDatabase:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def owned_by(self, holder: str) -> OwnerLock:
        return OwnerLock(self.path, holder)

    def opened(self) -> SQLiteStore:
        return SQLiteStore(self.path)

    def reader(self) -> SQLiteStore:
        return SQLiteReader(self.path)

    def migrate(self, today: date, *, dry_run: bool) -> list[str]:
        """A gateway makes what it needs by itself; here it is made before."""
        del today
        there = self.path.exists()
        if there or not dry_run:
            self.opened().close()
        return [] if there else [f"make {self.path}"]
