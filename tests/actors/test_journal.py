"""The journal on a real database and a real thread: many events a commit, each of them once, whatever the disk says."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from actors.journal import Journal
from domain.errors import StaleStream, StoreError, StoreUnavailable
from domain.events import BotResumed, BotSuspended, CommandStarted, Event, UpdateReceived
from domain.recovery import OpenThings
from domain.store.inbox import InboxRow
from domain.store.ledger import Ledger, Mark, Snapshot
from domain.store.mapper import Entry
from domain.store.store import Database, Store
from domain.streams import bot_stream, day_stream
from tests.actors.waiting import SOON_S, until
from tests.doubles import ManualClock, a_registration
from tests.examples import BOT_ID, NOON, OTHER_BOT_ID, TENANT, a_delivered, a_hold, a_started, after
from tests.holding import held_by_another

STREAM = bot_stream(BOT_ID)


class MoodyLedger(Ledger):
    """The real one; a test may hold its first commit up, or have a call of it go wrong."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.batches: list[int] = []
        self.attempts = 0
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.is_waiting = threading.Event()
        self.troubles: dict[str, list[str]] = {}

    def will(self, call: str, *troubles: str) -> None:
        self.troubles.setdefault(call, []).extend(troubles)

    def append(
        self, entries: Sequence[Entry], mark: Mark = lambda _: None, inbox: Sequence[InboxRow] = ()
    ) -> Sequence[int]:
        self.attempts += 1
        self.is_waiting.set()
        assert self.may_commit.wait(SOON_S)
        trouble = self._trouble("append")
        if trouble == "is away":
            raise StoreUnavailable(trouble)
        positions = super().append(entries, mark, inbox)
        self.batches.append(len(entries))
        if trouble == "commits and does not say so":
            raise StoreUnavailable(trouble)
        return positions

    def last_version(self, stream: str) -> int:
        if self._trouble("last_version"):
            raise StoreUnavailable("no version")
        return super().last_version(stream)

    def positions_of(self, entries: Sequence[Entry]) -> list[int] | None:
        if self._trouble("positions_of"):
            raise StoreUnavailable("no positions")
        return super().positions_of(entries)

    def _trouble(self, call: str) -> str | None:
        waiting = self.troubles.get(call)
        return waiting.pop(0) if waiting else None


class Told:
    """What the journal said of each event that it was given."""

    def __init__(self) -> None:
        self.results: list[int | StoreError] = []
        self.threads: set[int] = set()

    def __call__(self, result: int | StoreError) -> None:
        self.results.append(result)
        self.threads.add(threading.get_ident())

    async def all(self, how_many: int) -> list[int | StoreError]:
        await until(lambda: len(self.results) >= how_many)
        return self.results


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.store.sqlite.LOCK_TIMEOUT_S", 0.01)
    monkeypatch.setattr("domain.store.postgres_connecting.SESSION", ("SET lock_timeout = '10ms'",))
    monkeypatch.setattr("actors.journal_writer.RETRY_S", (0.001,))


@pytest.fixture
def ledger(database: Database, _quick: None) -> Iterator[MoodyLedger]:
    store = database.opened()
    # The day of the examples: to make it takes longer than these tests let anybody wait.
    store.prepare(NOON.date())
    yield MoodyLedger(store)
    store.close()


@asynccontextmanager
async def journal_of(
    ledger: Ledger, opened: OpenThings | None = None, max_backlog: int = 1000, committed: Callable[[], None] = list
) -> AsyncIterator[Journal]:
    before = set(threading.enumerate())
    journal = Journal(ledger, opened or OpenThings(), ManualClock(), max_backlog, committed)
    (writer,) = set(threading.enumerate()) - before
    try:
        yield journal
    finally:
        assert await journal.close(SOON_S)
        writer.join(SOON_S)
        assert not writer.is_alive()


def commands(log: Ledger) -> list[str]:
    return [getattr(recorded.event, "command_id", "") for recorded in log.read(0, 10_000)]


def started(how_many: int, first: int = 0) -> list[CommandStarted]:
    return [a_started(f"{n}") for n in range(first, first + how_many)]


# Group commit


def test_what_waits_is_committed_at_once_and_told_on_the_loop_in_its_order(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            ledger.may_commit.clear()
            journal.note(a_started("first"), told)
            await until(ledger.is_waiting.is_set)
            for event in started(300):
                journal.note(event, told)
            ledger.may_commit.set()

            assert list(range(1, 302)) == await told.all(301)
            assert {threading.get_ident()} == told.threads

    asyncio.run(story())
    assert [1, 300] == ledger.batches
    assert ["first", *map(str, range(300))] == commands(ledger)


def test_no_commit_is_larger_than_its_limit(ledger: MoodyLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.journal_writer.MAX_BATCH", 10)

    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            ledger.may_commit.clear()
            for event in started(35):
                journal.note(event, told)
            ledger.may_commit.set()
            await told.all(35)

    asyncio.run(story())
    assert 11 >= max(ledger.batches)
    assert [str(n) for n in range(35)] == commands(ledger)


def test_each_stream_counts_its_own_versions_and_goes_on_after_a_restart(ledger: MoodyLedger) -> None:
    async def story() -> None:
        async with journal_of(ledger) as journal:
            for event in started(3):
                journal.note(event)
            journal.note(a_started("other", bot_id=OTHER_BOT_ID))
            journal.note(a_started("next day", occurred_at=after(86_400)))

    asyncio.run(story())
    asyncio.run(story())
    assert list(range(1, 7)) == [recorded.version for recorded in ledger.stream(day_stream(a_started()))]
    assert 2 == ledger.last_version(f"d/2026-07-01/{OTHER_BOT_ID}")
    assert 2 == ledger.last_version(f"d/2026-07-02/{BOT_ID}")


def test_one_that_fails_on_its_result_keeps_no_other_of_its_batch_from_theirs(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger, max_backlog=2) as journal:
            ledger.may_commit.clear()
            journal.note(a_started("first"), fails)
            journal.note(a_started("second"), told)
            ledger.may_commit.set()
            await told.all(1)

            assert journal.reserve()

    def fails(_: int | StoreError) -> None:
        raise RuntimeError("what was recorded: hunter2")

    with capture_logs() as logs:
        asyncio.run(story())
    assert [{"event": "result_not_taken", "error": "RuntimeError", "log_level": "error"}] == logs


def test_a_flush_is_told_when_everything_before_it_is_on_disk(ledger: MoodyLedger) -> None:
    async def story() -> None:
        flushed = Told()
        async with journal_of(ledger) as journal:
            for event in started(5):
                journal.note(event)
            journal.flush(flushed)
            await flushed.all(1)

            assert 5 == ledger.head()

    asyncio.run(story())


def test_whoever_follows_the_log_is_woken_after_the_commit(ledger: MoodyLedger) -> None:
    heads: list[int] = []

    async def story() -> None:
        async with journal_of(ledger, committed=lambda: heads.append(ledger.head())) as journal:
            journal.note(a_started())

    asyncio.run(story())
    assert 1 == heads[0]


def test_closing_writes_what_was_handed_over(ledger: MoodyLedger) -> None:
    async def story() -> None:
        async with journal_of(ledger) as journal:
            for event in started(500):
                journal.note(event)

    asyncio.run(story())
    assert 500 == ledger.head()


def test_closing_gives_up_after_its_time_when_the_database_stays_away(ledger: MoodyLedger) -> None:
    async def story() -> None:
        async with journal_of(ledger) as journal:
            ledger.may_commit.clear()
            journal.note(a_started())

            assert not await journal.close(0.01)
            ledger.may_commit.set()

    asyncio.run(story())
    assert 1 == ledger.head()


# Lifecycle streams, and somebody else in them


def suspended_and_resumed() -> tuple[Event, ...]:
    common = {"occurred_at": NOON, "bot_id": BOT_ID, "tenant_id": TENANT}
    return (BotSuspended(**common, reason="loud", by="tenant"), BotResumed(**common, by="tenant"))


def test_a_lifecycle_is_written_at_the_versions_that_its_writer_knows(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            journal.write(STREAM, 0, (a_registration(),), told)
            journal.write(STREAM, 1, suspended_and_resumed(), told)

            assert [1, 3] == await told.all(2)

    asyncio.run(story())
    assert [1, 2, 3] == [recorded.version for recorded in ledger.stream(STREAM)]


def test_a_stale_stream_fails_alone_and_the_rest_of_its_batch_is_written(ledger: MoodyLedger) -> None:
    ledger.append([Entry(STREAM, 1, a_registration())])

    async def story() -> None:
        told, stale = Told(), Told()
        async with journal_of(ledger) as journal:
            ledger.may_commit.clear()
            journal.note(a_started("before"), told)
            await until(ledger.is_waiting.is_set)
            journal.note(a_started("with it"), told)
            journal.write(STREAM, 0, suspended_and_resumed(), stale)
            journal.note(a_delivered("with it"), told)
            journal.write(bot_stream(OTHER_BOT_ID), 0, (a_registration(OTHER_BOT_ID),), told)
            ledger.may_commit.set()

            assert [2, 3, 4, 5] == await told.all(4)
            (result,) = await stale.all(1)
            assert isinstance(result, StaleStream)

    asyncio.run(story())
    assert 5 == ledger.head()
    assert [1] == [recorded.version for recorded in ledger.stream(STREAM)]
    assert [1, 2, 3] == [recorded.version for recorded in ledger.stream(day_stream(a_started()))]


def test_an_outcome_is_written_behind_what_somebody_else_wrote_that_day(ledger: MoodyLedger) -> None:
    day = day_stream(a_started())

    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            journal.note(a_started("one"), told)
            await told.all(1)
            ledger.append([Entry(day, 2, a_hold())])
            journal.note(a_delivered("one"), told)

            assert [1, 3] == await told.all(2)

    asyncio.run(story())
    assert [1, 2, 3] == [recorded.version for recorded in ledger.stream(day)]


def test_a_snapshot_is_kept_with_its_events(ledger: MoodyLedger) -> None:
    snapshot = Snapshot(STREAM, 1, b"{}")

    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            journal.write(STREAM, 0, (a_registration(),), told, snapshot)
            await told.all(1)

    asyncio.run(story())
    assert snapshot == ledger.snapshot(STREAM)


# When the database is away


def test_while_another_connection_holds_the_database_everything_waits_and_is_then_written_once(
    ledger: MoodyLedger, database_url: str
) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            with held_by_another(database_url):
                for event in started(20):
                    journal.note(event, told)
                await until(lambda: ledger.attempts >= 3)
                journal.note(a_started("later"), told)
                assert [] == told.results

            assert list(range(1, 22)) == await told.all(21)

    asyncio.run(story())
    assert [*map(str, range(20)), "later"] == commands(ledger)


@pytest.mark.parametrize("how_many", [1, 40])
def test_a_commit_whose_acknowledgement_was_lost_is_not_made_twice(ledger: MoodyLedger, how_many: int) -> None:
    ledger.will("append", "commits and does not say so", "is away")

    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            ledger.may_commit.clear()
            for event in started(how_many):
                journal.note(event, told)
            ledger.may_commit.set()

            assert list(range(1, how_many + 1)) == await told.all(how_many)
            journal.note(a_started("next"), told)
            assert how_many + 1 == (await told.all(how_many + 1))[-1]

    asyncio.run(story())
    assert {**{str(n): 1 for n in range(how_many)}, "next": 1} == Counter(commands(ledger))


def test_a_lost_acknowledgement_of_a_lifecycle_is_no_stale_stream(ledger: MoodyLedger) -> None:
    ledger.will("append", "commits and does not say so")

    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            journal.write(STREAM, 0, (a_registration(), *suspended_and_resumed()), told)

            assert [3] == await told.all(1)

    asyncio.run(story())
    assert 3 == ledger.head()


@pytest.mark.parametrize("call", ["last_version", "positions_of"])
def test_a_database_that_goes_away_while_it_is_read_is_waited_for_too(ledger: MoodyLedger, call: str) -> None:
    ledger.will("append", "commits and does not say so")
    ledger.will(call, "is away", "is away")

    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            journal.note(a_started("one"), told)
            journal.note(a_started("two"), told)

            assert [1, 2] == await told.all(2)

    asyncio.run(story())
    assert ["one", "two"] == commands(ledger)


def test_a_start_is_found_open_after_a_lost_acknowledgement(ledger: MoodyLedger) -> None:
    ledger.will("append", "commits and does not say so")

    async def story() -> None:
        async with journal_of(ledger) as journal:
            journal.note(a_started("open"))
            journal.note(a_started("next"))

    asyncio.run(story())
    asyncio.run(story_of_one_more(ledger))
    assert 1 == ledger.low_water()


async def story_of_one_more(ledger: Ledger) -> None:
    opened = OpenThings()
    for recorded in ledger.read(ledger.low_water() - 1, 1000):
        opened.see(recorded.position, recorded.event)
    async with journal_of(ledger, opened) as journal:
        journal.note(a_hold())


# Places, and the low-water mark


def test_no_more_places_are_given_than_there_are(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger, max_backlog=3) as journal:
            ledger.may_commit.clear()
            journal.note(a_started(), told)

            assert [True, True, False] == [journal.reserve() for _ in range(3)]
            journal.release()
            assert journal.reserve()
            ledger.may_commit.set()
            await told.all(1)
            assert [True, False] == [journal.reserve() for _ in range(2)]

    asyncio.run(story())


def test_refusals_get_half_the_places_and_what_is_left_out_is_counted_and_told(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger, max_backlog=4) as journal:
            ledger.may_commit.clear()
            assert journal.takes_refusal()
            journal.note(a_started("one"), told)
            journal.note(a_started("two"), told)

            assert [False, False, False] == [journal.takes_refusal() for _ in range(3)]
            assert journal.reserve()
            journal.release()
            with capture_logs() as lines:
                ledger.may_commit.set()
                await told.all(2)
            assert journal.takes_refusal()
            assert 3 == journal.refusals_left_out()
            assert [3] == [line["count"] for line in lines if line["event"] == "refusals_left_out"]

    asyncio.run(story())


def test_a_stale_stream_gives_its_places_back(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger, max_backlog=1) as journal:
            journal.write(STREAM, 0, (a_registration(),), told)
            journal.write(STREAM, 0, (*suspended_and_resumed(),), told)
            await told.all(2)

            assert journal.reserve()

    asyncio.run(story())


def test_the_low_water_mark_is_the_oldest_open_start(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()

        async def commit(event: Event) -> int:
            journal.note(event, told)  # type: ignore[arg-type]  # all of them are a day's
            await told.all(len(told.results) + 1)
            return ledger.low_water()

        async with journal_of(ledger) as journal:
            assert 1 == await commit(a_started("one"))
            assert 1 == await commit(a_started("two"))
            assert 1 == await commit(a_delivered("one"))
            assert 2 == await commit(a_delivered("two"))
            assert 5 == await commit(a_started("three"))
            assert 5 == await commit(a_hold())
            assert 5 == await commit(a_delivered("three"))
            # The clock stands still at noon, so the hold is not over.
            assert 6 == await commit(a_started("four"))

    asyncio.run(story())


# Updates


def received(update_id: int, bot_id: int = BOT_ID) -> tuple[UpdateReceived, InboxRow]:
    event = UpdateReceived(
        occurred_at=NOON, bot_id=bot_id, tenant_id=TENANT, update_id=update_id, kind="message", via="polling"
    )
    return event, InboxRow(bot_id, update_id, 1.0, "42", b"sealed")


def brought(log: Ledger) -> list[tuple[int, int]]:
    return [
        (recorded.event.bot_id, recorded.event.update_id)
        for recorded in log.read(0, 10_000)
        if isinstance(recorded.event, UpdateReceived)
    ]


def test_an_update_that_telegram_brings_again_is_recorded_once(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            journal.receive(*received(1), told)
            await told.all(1)
            ledger.may_commit.clear()
            ledger.is_waiting.clear()
            journal.note(a_started("first"))
            await until(ledger.is_waiting.is_set)
            # In one batch: one of an earlier batch, one twice, and another bot's of the same number.
            for update_id, bot_id in ((1, BOT_ID), (2, BOT_ID), (2, BOT_ID), (2, OTHER_BOT_ID), (3, BOT_ID)):
                journal.receive(*received(update_id, bot_id), told)
            ledger.may_commit.set()

            assert [0, 0, 1, 3, 4, 5] == sorted(await told.all(6))

    asyncio.run(story())
    assert [1, 1, 3] == ledger.batches
    assert [(BOT_ID, 1), (BOT_ID, 2), (OTHER_BOT_ID, 2), (BOT_ID, 3)] == brought(ledger)
    assert [1, 2, 3] == [row.update_id for row in ledger.inbox.waiting(BOT_ID)]


@pytest.mark.parametrize("new", [(), (2,)], ids=["alone", "with another"])
def test_an_update_that_comes_again_beside_a_stale_stream_is_told_too(
    ledger: MoodyLedger, new: tuple[int, ...]
) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            journal.receive(*received(1), told)
            await told.all(1)
            journal.write(STREAM, 0, [a_hold()])
            ledger.may_commit.clear()
            ledger.is_waiting.clear()
            journal.note(a_started("first"), told)
            await until(ledger.is_waiting.is_set)
            for update_id in (1, *new):
                journal.receive(*received(update_id), told)
            journal.write(STREAM, 0, [a_registration()], told)
            ledger.may_commit.set()
            results = await told.all(4 + len(new))

            assert [0] == [result for result in results if result == 0]
            assert 1 == sum(isinstance(result, StaleStream) for result in results)

    asyncio.run(story())
    assert [(BOT_ID, update_id) for update_id in (1, *new)] == brought(ledger)


def test_updates_wait_a_little_for_others_and_are_one_commit(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            for update_id in (3, 1, 2):
                journal.receive(*received(update_id), told)

            assert [1, 2, 3] == await told.all(3)

    asyncio.run(story())
    assert [3] == ledger.batches


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.journal.GATHERED_WITHIN_S", 3600.0)


@pytest.mark.usefixtures("_patient")
def test_as_many_updates_as_are_worth_a_commit_wait_for_no_others(
    ledger: MoodyLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.journal.GATHERED_MOST", 10)

    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            for update_id in range(12):
                journal.receive(*received(update_id), told)

            assert list(range(1, 11)) == await told.all(10)

    asyncio.run(story())
    assert [10, 2] == ledger.batches, "closing takes the rest along"


@pytest.mark.usefixtures("_patient")
def test_what_else_is_recorded_waits_for_nothing_and_takes_updates_along_in_their_order(ledger: MoodyLedger) -> None:
    async def story() -> None:
        told = Told()
        async with journal_of(ledger) as journal:
            journal.receive(*received(1), told)
            journal.note(a_started("one"), told)

            assert [1, 2] == await told.all(2)

    asyncio.run(story())
    assert [2] == ledger.batches
    assert [(BOT_ID, 1)] == brought(ledger)
