"""Who looks after a running gateway's store: room for the days ahead, and readiness that tells when it is short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest

from domain.store.database import database_at
from ops.steward import Steward
from tests.actors.waiting import until
from tests.doubles import ManualClock
from tests.examples import NOON
from tests.postgres_server import PostgresServer

SECONDS_A_DAY = 86_400
MAY_WRITE = """
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO a_writer;
GRANT USAGE ON SCHEMA public TO a_writer
"""
FEWER = "the event store has partitions for fewer than 2 days ahead"


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Migrated at noon of the examples, and by nobody since."""
    url = postgres.url(postgres.a_new_database(template="template0"))
    database_at(url).migrate(NOON.date(), dry_run=False)
    return url


def looked_after(url: str, days_later: int, then: Callable[[Steward, ManualClock], object]) -> None:
    async def story() -> None:
        database, clock = database_at(url), ManualClock(NOON + timedelta(days=days_later))
        owner = database.owned_by("me")
        with closing(database.opened()) as store:
            steward = Steward(owner, store, clock)
            found = then(steward, clock)
            if asyncio.iscoroutine(found):
                await found
            steward.stop()
        owner.release()

    asyncio.run(story())


@pytest.mark.parametrize("days_later", [0, 5, 6, 7, 100])
def test_a_start_makes_room_for_the_days_ahead(url: str, days_later: int) -> None:
    looked_after(url, days_later, lambda steward, _: check([] == steward.troubles()))

    with closing(database_at(url).opened()) as store:
        today = NOON.date() + timedelta(days=days_later)
        assert today + timedelta(days=7) == store.room_until(today)


def check(is_so: bool) -> None:
    assert is_so


def test_it_makes_more_while_the_days_go_by(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.steward.CHECK_S", 0.01)

    async def days_go_by(steward: Steward, clock: ManualClock) -> None:
        for _ in range(3):
            clock.move_to(clock.steady() + 6 * SECONDS_A_DAY)
            assert [FEWER] == steward.troubles()
            await until(lambda: [] == steward.troubles())

    looked_after(url, 0, days_go_by)


@pytest.mark.parametrize(("days_later", "wrong"), [(5, []), (6, [FEWER]), (8, [FEWER])])
def test_a_role_that_may_make_none_runs_on_what_is_there_and_readiness_tells(
    postgres: PostgresServer, url: str, days_later: int, wrong: list[str]
) -> None:
    name = url.rpartition("/")[2]
    if not postgres.run("SELECT 1 FROM pg_roles WHERE rolname = 'a_writer'"):
        postgres.run("CREATE ROLE a_writer LOGIN PASSWORD 'of the writer'")
    postgres.run(MAY_WRITE, name)
    as_writer = f"postgresql://a_writer:of%20the%20writer@127.0.0.1:{postgres.port}/{name}"

    looked_after(as_writer, days_later, lambda steward, _: check(wrong == steward.troubles()))
