"""What tests of every kind share: a PostgreSQL of their own, and whatever is true of every store, on each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from domain.store.database import database_at, sqlite_url
from domain.store.store import Database
from tests.postgres_server import PostgresServer

# What is drawn depends on the tests alone: a run that was green stays so. `--hypothesis-profile=explore` looks further.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Started when the first test wants it."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def new_postgres_url(postgres: PostgresServer) -> Iterator[Callable[[], str]]:
    """Of an empty log each time."""
    with postgres.databases() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgres"])
def new_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Of an empty log each time."""
    if request.param == "postgres":
        found: Callable[[], str] = request.getfixturevalue("new_postgres_url")
        return found
    return lambda: sqlite_url(tmp_path_factory.mktemp("store") / "botloft.db")


@pytest.fixture
def database_url(new_database_url: Callable[[], str]) -> str:
    return new_database_url()


@pytest.fixture
def database(database_url: str) -> Database:
    return database_at(database_url)
