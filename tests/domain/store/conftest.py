"""A real log in a directory of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.store.ledger import Ledger
from domain.store.sqlite import SQLiteStore


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "botloft.db"


@pytest.fixture
def store(database: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(database)
    yield store
    store.close()


@pytest.fixture
def ledger(store: SQLiteStore) -> Ledger:
    return Ledger(store)
