"""A replay in a process of its own: its answer, its refusals, its bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from domain.store.database import sqlite_url
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from domain.whatif.policy import Change, Policy
from domain.whatif.question import Busy, NothingThere, Question, TooMuch
from domain.whatif.report import answered
from ops.whatif import beside
from ops.whatif.beside import ReplayFailed, Replays
from tests.domain.whatif.days import log_of, sent
from tests.examples import NOON


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "botloft.db"
    with closing(SQLiteStore(path)) as store:
        told = log_of(*(sent(n, 0.1 * n) for n in range(20)))
        versions: dict[str, int] = {}
        for recorded in told:
            version = versions[recorded.stream] = versions.get(recorded.stream, 0) + 1
            Ledger(store).append([Entry(recorded.stream, version, recorded.event)])
        yield path


def a_question(**changes: object) -> Question:
    usual = {"since": NOON, "until": NOON + timedelta(hours=1), "change": Change(bot_rps=2)}
    return Question(**{**usual, **changes})  # type: ignore[arg-type]


def test_the_answer_is_the_same_as_without_a_process(database: Path) -> None:
    report = asyncio.run(Replays(sqlite_url(database), Policy())(a_question()))
    with closing(SQLiteStore(database)) as store:
        here = answered(Ledger(store), Policy(), a_question())

    assert (20, here) == (report.commands, report)


def test_a_refusal_comes_back_as_one(database: Path) -> None:
    replays = Replays(sqlite_url(database), Policy())

    with pytest.raises(NothingThere, match="no command of that time"):
        asyncio.run(replays(a_question(since=NOON + timedelta(minutes=30))))
    with pytest.raises(TooMuch):
        asyncio.run(replays(a_question(max_commands=19)))


def test_there_is_one_at_a_time(database: Path) -> None:
    async def two() -> list[object]:
        replays = Replays(sqlite_url(database), Policy())
        return await asyncio.gather(replays(a_question()), replays(a_question()), return_exceptions=True)

    first, second = asyncio.run(two())

    assert not isinstance(first, BaseException)
    assert isinstance(second, Busy)


def test_one_that_takes_too_long_is_stopped(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "AT_MOST_S", 0.01)

    with pytest.raises(TooMuch, match="shorter range"):
        asyncio.run(Replays(sqlite_url(database), Policy())(a_question()))


def test_one_that_dies_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(ReplayFailed):
        asyncio.run(Replays(sqlite_url(tmp_path / "nowhere.db"), Policy())(a_question()))


def test_its_environment_has_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTLOFT_ADMIN_KEY", "a secret")

    assert not [name for name in beside._environment() if name.startswith("BOTLOFT_")]  # noqa: SLF001
