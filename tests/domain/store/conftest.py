"""A real log: every test that asks for one is run on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.store.ledger import Ledger
from domain.store.store import Database


@pytest.fixture
def store(database: Database) -> Iterator[Any]:
    """Of any kind: some tests look behind what is common to all."""
    store = database.opened()
    yield store
    store.close()


@pytest.fixture
def ledger(store: Any) -> Ledger:
    return Ledger(store)
