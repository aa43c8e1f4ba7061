"""The log of a database that somebody else may be writing to: opened to be read, and never made or changed."""

from __future__ import annotations

from pathlib import Path

from eventsourcing.sqlite import SQLiteDatastore

from domain.errors import StoreUnusable
from domain.store.sqlite import SQLiteStore


class SQLiteReader(SQLiteStore):
    """Raises StoreUnusable where there is no log."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise StoreUnusable(f"{path}: there is no log. BOTLOFT_STATE_DIR names the directory that it is in.")
        self.path = path
        self.datastore = SQLiteDatastore(f"{path.absolute().as_uri()}?mode=ro", originator_id_type="text")
