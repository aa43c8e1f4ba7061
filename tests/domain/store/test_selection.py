"""The log read by selection: the same as reading all of it and choosing by hand, in small pieces that always go on."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import events as e
from domain.store import ledger as ledgers
from domain.store import moments
from domain.store.ledger import Ledger
from domain.store.mapper import Entry, Recorded
from domain.store.selection import EVERYTHING, Selection, fits
from domain.store.sqlite import SQLiteStore
from domain.streams import bot_stream, day_stream, key_stream, tenant_stream
from tests.examples import BOT_ID, NOON, OTHER_BOT_ID, a_delivered, a_hold, a_rejected, a_started, after

BOTS = (BOT_ID, OTHER_BOT_ID, 1, 70)
TENANTS = ("acme", "globex", 'quo"te', "ünïcode")
FIXTURE = (HealthCheck.function_scoped_fixture,)  # emptied for each example
MAKERS = (a_started, a_delivered, a_rejected, a_hold)


def emptied(store: Any) -> Ledger:
    anew = "DELETE FROM sqlite_sequence" if isinstance(store, SQLiteStore) else "UPDATE log SET head=0, low_water=1"
    with store.writing() as cursor:
        cursor.execute("DELETE FROM events")
        cursor.execute(anew)
    return Ledger(store)


def position_in(store: Any) -> str:
    return "rowid" if isinstance(store, SQLiteStore) else "notification_id"


def appended(ledger: Ledger, *entries: tuple[str, e.Event]) -> None:
    versions: Counter[str] = Counter()
    numbered = []
    for stream, event in entries:
        versions[stream] += 1
        numbered.append(Entry(stream, versions[stream], event))
    ledger.append(numbered)


def all_of(ledger: Ledger, selection: Selection, after: int = 0, until: int | None = None, limit: int = 3) -> list[int]:
    """Piece by piece, as its users read it."""
    until = ledger.head() if until is None else until
    found: list[int] = []
    while after < until:
        page = ledger.select(selection, after, until, limit)
        assert after < page.reached <= until
        assert len(page.rows) <= limit
        found += [row[0] for row in page.rows]
        after = page.reached
    return found


def wanted(selection: Selection, recorded: Recorded) -> bool:
    event = recorded.event
    return (
        (not selection.topics or event.TOPIC in selection.topics)
        and (not selection.bots or getattr(event, "bot_id", None) in selection.bots)
        and (selection.tenant_id is None or getattr(event, "tenant_id", None) == selection.tenant_id)
        and (selection.since is None or event.occurred_at >= selection.since)
        and (selection.before is None or event.occurred_at < selection.before)
    )


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, e.Event]:
    bot_id, tenant_id = draw(st.sampled_from(BOTS)), draw(st.sampled_from(TENANTS))
    at = after(draw(st.integers(0, 200_000)))
    kind = draw(st.sampled_from(("day", "day", "key", "bot", "tenant")))
    if kind == "tenant":
        return tenant_stream(tenant_id), e.TenantRegistered(occurred_at=at, tenant_id=tenant_id, name="A")
    if kind == "bot":
        return bot_stream(bot_id), e.BotResumed(occurred_at=at, bot_id=bot_id, tenant_id=tenant_id, by="admin")
    event = draw(st.sampled_from(MAKERS))(occurred_at=at, bot_id=bot_id, tenant_id=tenant_id)
    return key_stream(at.date(), tenant_id, "a key") if kind == "key" else day_stream(event), event


def some(values: tuple[object, ...]) -> st.SearchStrategy[frozenset[object]]:
    return st.frozensets(st.sampled_from(values), max_size=2)


selections = st.builds(
    Selection,
    topics=some(("command-started", "command-rejected", "bot-resumed", "tenant-registered")),
    bots=some(BOTS),
    tenant_id=st.sampled_from((None, *TENANTS)),
    since=st.one_of(st.none(), st.integers(0, 200_000).map(after)),
    before=st.one_of(st.none(), st.integers(0, 200_000).map(after)),
)


@given(st.lists(entries(), max_size=25), selections)
@settings(max_examples=80, deadline=None, suppress_health_check=FIXTURE)
def test_a_selection_finds_what_reading_everything_finds(
    store: Any, log: list[tuple[str, e.Event]], selection: Selection
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledgers, "SPAN", 7)
        ledger = emptied(store)
        appended(ledger, *log)
        expected = [one.position for one in ledger.read(0, 1000) if wanted(selection, one)]

        assert expected == all_of(ledger, selection)
        assert [p for p in expected if 5 < p <= 15] == all_of(ledger, selection, 5, min(15, ledger.head()))


def test_a_selection_of_nothing_comes_to_the_end_all_the_same(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "SPAN", 4)
    appended(ledger, *[("bot/1", a_started()) for _ in range(10)])
    nothing = Selection(topics=frozenset(["bot-removed"]))

    assert [4, 8, 10, 10] == [ledger.select(nothing, after, 10, 100).reached for after in (0, 4, 8, 10)]
    assert [] == all_of(ledger, nothing)


def test_positions_that_are_gone_do_not_hold_it_up(store: Any, ledger: Ledger) -> None:
    appended(ledger, *[("bot/1", a_started()) for _ in range(10)])
    with store.writing() as cursor:
        cursor.execute(f"DELETE FROM events WHERE {position_in(store)} BETWEEN 2 AND 8")

    assert [1, 9, 10] == all_of(ledger, EVERYTHING)


def test_an_event_that_only_mentions_a_tenant_is_not_the_tenant_s(ledger: Ledger) -> None:
    of_globex = a_rejected(tenant_id="globex", description='{"tenant_id":"acme"}')
    appended(ledger, (day_stream(of_globex), of_globex))

    assert [] == all_of(ledger, Selection(tenant_id="acme"))
    assert [1] == all_of(ledger, Selection(tenant_id="globex"))


def test_an_event_in_which_another_tenant_s_id_stands_as_a_field_is_not_that_tenant_s() -> None:
    # Of no event today, but what the database looks for stands in it.
    state = b'{"occurred_at":"2026-07-01T12:00:00Z","tenant_id":"globex","inside":{"tenant_id":"acme"}}'

    assert not fits(Selection(tenant_id="acme"), "tenant/globex", state)
    assert fits(Selection(tenant_id="globex"), "tenant/globex", state)


def test_a_lifecycle_stream_whose_name_ends_like_another_bot_is_not_that_bot_s(ledger: Ledger) -> None:
    # bot/7000000001 has a 1 where a day's stream has its name.
    resumed = e.BotResumed(occurred_at=NOON, bot_id=BOT_ID, tenant_id="acme", by="admin")
    appended(ledger, (bot_stream(BOT_ID), resumed))

    assert [] == all_of(ledger, Selection(bots=frozenset([1])))


# Moments

SECONDS = st.lists(st.integers(0, 60), max_size=40)


@given(SECONDS, st.integers(-5, 70), st.integers(0, 4), st.sets(st.integers(1, 40)))
@settings(max_examples=80, deadline=None, suppress_health_check=FIXTURE)
def test_a_moment_s_position_is_that_of_the_last_event_that_had_occurred(
    store: Any, seconds: list[int], moment: int, disorder: int, gone: set[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "SLACK", 8)
        ledger = emptied(store)
        ordered = sorted(seconds)
        for at in range(0, len(ordered), disorder + 1):
            ordered[at : at + disorder + 1] = reversed(ordered[at : at + disorder + 1])
        appended(ledger, *[("bot/1", a_started(occurred_at=after(at))) for at in ordered])
        with store.writing() as cursor:
            for one in gone:
                cursor.execute(f"DELETE FROM events WHERE {position_in(store)}={one:d}")
        kept = ledger.read(0, 1000)
        had = [one.position for one in kept if one.event.occurred_at <= after(moment)]

        assert max(had, default=0) == ledger.position_at(after(moment))


@given(SECONDS, st.integers(-5, 70), st.integers(0, 30))
@settings(max_examples=50, deadline=None, suppress_health_check=FIXTURE)
def test_what_occurred_between_two_moments_is_between_their_positions(
    store: Any, seconds: list[int], since: int, lasting: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "SLACK", 3)
        ledger = emptied(store)
        ordered = sorted(seconds)
        for at in range(0, len(ordered), 3):
            ordered[at : at + 3] = reversed(ordered[at : at + 3])
        appended(ledger, *[("bot/1", a_started(occurred_at=after(at))) for at in ordered])
        selection = Selection(since=after(since), before=after(since + lasting))
        expected = [one.position for one in ledger.read(0, 1000) if wanted(selection, one)]
        first, last = ledger.positions_between(selection.since, selection.before, ledger.head())

        assert expected == all_of(ledger, selection, first, last)


def test_the_times_of_a_large_log_narrow_it_down(ledger: Ledger) -> None:
    happened = [a_started(occurred_at=NOON + timedelta(seconds=n)) for n in range(20_000)]
    ledger.append([Entry("bot/1", n, event) for n, event in enumerate(happened, 1)])

    assert (10_001 - 1 - moments.SLACK, 10_101 + moments.SLACK) == ledger.positions_between(
        after(10_000), after(10_100), ledger.head()
    )
    assert 10_001 == ledger.position_at(after(10_000.5))
