"""A copy of the log in SQLite while the gateway works, and a log that is put back.

PostgreSQL has tools of its own for the copy; what has to be done to a log that was put back is the same.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from domain import streams
from domain.errors import StoreUnusable
from domain.events import AdminActed, CommandUncertain
from domain.failure import Category, Final, code_of
from domain.recovery import OpenCommand
from domain.store.key_file import KeyFile
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.master_keys import MasterKeys, named_in
from domain.store.sqlite import SQLiteStore
from domain.store.sqlite_database import SQLiteDatabase
from domain.store.store import Store
from domain.tenant import removed_in
from ops.by_hand import acted
from ops.sealed import opened_vault
from ops.settings import Settings
from ops.wiring import interrupted

LOG, KEY, PART = "botloft.db", "master.key", ".part"
DERIVED = ("views.db", "views.db-wal", "views.db-shm", "checkpoints")
UNKNOWN = "the log was put back from a backup, and does not know what happened after it"


class Copied(NamedTuple):
    position: int
    key_ids: list[str]
    """Of the master keys that it opens with."""


class Restored(NamedTuple):
    position: int
    """The last one of the backup."""
    until: datetime | None
    """When its event happened."""
    uncertain: int
    """Commands that it has open."""


def backed_up(settings: Settings, directory: Path, *, with_key: bool) -> Copied:
    """The whole log as it is at one moment, complete or not there at all. Raises StoreUnusable."""
    database = settings.database
    if not isinstance(database, SQLiteDatabase):
        raise StoreUnusable(f"{database.name} is backed up by its own tools: pg_dump, as docs/runbook.md says.")
    with _said(directory):
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise StoreUnusable(f"{directory} is not empty. Name a new directory for each backup.")
        with closing(database.reader()), _whole(directory / LOG) as part:
            with closing(sqlite3.connect(f"{database.path.absolute().as_uri()}?mode=ro", uri=True)) as log:
                log.execute("VACUUM INTO ?", (str(part),))
            found = _checked(part)
        if with_key:
            # Behind the log: whatever that is sealed under is in the file by now.
            KeyFile(directory / KEY).write(_fitting(KeyFile(settings.state_dir / KEY), found))
    return found


def _fitting(file: KeyFile, log: Copied) -> list[bytes]:
    keys = file.keys()
    if not keys or not set(log.key_ids) <= {"", *MasterKeys(keys).ids}:
        raise StoreUnusable(
            f"The log is there. Its key is not the one of {file.path}: copy BOTLOFT_MASTER_KEYS yourself."
        )
    return keys


def restored(settings: Settings, directory: Path | None, now: datetime, reason: str) -> Restored:
    """From `directory`; None: the database's own tools have put the log back. Raises StoreUnusable, AlreadyOwned."""
    database = settings.database
    owner = database.owned_by(f"Process {os.getpid()} (botloft restore)")
    try:
        if directory is None:
            database.reader().close()
            with closing(database.opened()) as store:
                found = _settled(settings, store, now, reason)
        elif isinstance(database, SQLiteDatabase):
            found = _put_back(settings, database.path, directory, now, reason)
        else:
            raise StoreUnusable(f"Put {database.name} back with its own tools; then run this without a directory.")
        return found
    finally:
        owner.release()


def _put_back(settings: Settings, path: Path, directory: Path, now: datetime, reason: str) -> Restored:
    with _said(path):
        if path.exists():
            raise StoreUnusable(f"{path} is there already. Move it away first, with its -wal and -shm.")
        if not (directory / LOG).is_file():
            raise StoreUnusable(f"{directory / LOG}: there is no log.")
        key, backup_key = KeyFile(settings.state_dir / KEY), KeyFile(directory / KEY).keys()
        if backup_key and not key.keys() and not settings.master_keys:
            key.write(backup_key)
        with _whole(path) as part:
            shutil.copyfile(directory / LOG, part)
            _checked(part)
            with closing(SQLiteStore(part)) as store:
                return _settled(settings, store, now, reason)


def _settled(settings: Settings, store: Store, now: datetime, reason: str) -> Restored:
    """What is open may have been executed after the backup: nobody knows, so nothing of it is done again."""
    ledger = Ledger(store)
    removed = removed_in(recorded.event for recorded in ledger.streams_under(streams.TENANTS))
    opened_vault(settings, store, removed)
    for name in DERIVED:
        # They may be further than this log: then they would never be made again.
        derived = settings.state_dir / name
        shutil.rmtree(derived) if derived.is_dir() else derived.unlink(missing_ok=True)
    head = ledger.head()
    until = ledger.time_after(head - 1) if head else None
    opened = interrupted(ledger).commands()
    versions: Counter[str] = Counter()

    def entry(stream: str, event: AdminActed | CommandUncertain) -> Entry:
        versions[stream] += 1
        return Entry(stream, ledger.last_version(stream) + versions[stream], event)

    ends = [_uncertain(one, now) for one in opened]
    entries = [entry(streams.admin_stream(now), acted("log.restore", str(head), reason, now))]
    for one, end in zip(opened, ends, strict=True):
        entries.append(entry(one.stream if streams.is_of_a_key(one.stream) else streams.day_stream(end), end))
    ledger.append(entries)
    return Restored(head, until, len(opened))


def _uncertain(opened: OpenCommand, now: datetime) -> CommandUncertain:
    first = opened.first
    return CommandUncertain(
        occurred_at=now,
        bot_id=first.bot_id,
        tenant_id=first.tenant_id,
        command_id=first.command_id,
        method=first.method,
        received_at=first.received_at,
        chat=first.chat,
        code=code_of(Final.UNCERTAIN, None),
        category=Category.AMBIGUOUS,
        description=UNKNOWN,
    )


def _checked(path: Path) -> Copied:
    """Raises StoreUnusable where it is no log that can be read whole."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as log:
        ((said,),) = log.execute("PRAGMA quick_check(1)").fetchall()
        if said != "ok":
            raise StoreUnusable(f"{path} is damaged: {said}.")
        ((head,),) = log.execute("SELECT max(rowid) FROM events").fetchall()
        sealed = log.execute("SELECT sealed FROM data_keys").fetchall()
    return Copied(int(head or 0), sorted({named_in(one) for (one,) in sealed}))


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Of what is written to the path that it gives, all is there under its name in the end, and on the disk."""
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    try:
        yield part
        if part.with_name(part.name + "-wal").exists():
            raise StoreUnusable(f"{part} is not closed.")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        for left in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm"))):
            with suppress(OSError):
                left.unlink(missing_ok=True)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(f"{path}: {error}.") from error
