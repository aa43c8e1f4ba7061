"""Which updates are new, beside an inbox that is asked as seldom as can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.repeats import Repeats
from domain.errors import StoreUnavailable
from domain.store.inbox import InboxRow, UpdateKey
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.store import Database
from tests.examples import a_started

KEYS = st.tuples(st.integers(1, 3), st.integers(0, 12))
BATCHES = st.lists(st.tuples(st.lists(KEYS, min_size=1, max_size=8), st.booleans()), max_size=12)


class Rows:
    """What an inbox does, by its own words, and how often it was asked what it knows."""

    def __init__(self) -> None:
        self.there: set[UpdateKey] = set()
        self.asked: list[list[UpdateKey]] = []
        self.is_away = False

    def known(self, updates: Iterable[UpdateKey]) -> set[UpdateKey]:
        if self.is_away:
            raise StoreUnavailable
        self.asked.append(list(updates))
        return self.there.intersection(self.asked[-1])

    def highest(self, bot_id: int) -> int:
        return max((update_id for bot, update_id in self.there if bot == bot_id), default=-1)


@given(BATCHES)
def test_it_says_what_the_inbox_would_say_in_whatever_order_they_come(
    batches: Sequence[tuple[list[UpdateKey], bool]],
) -> None:
    rows = Rows()
    repeats = Repeats(rows)  # type: ignore[arg-type]  no more of it is used
    for batch, is_committed in batches:
        assert rows.there.intersection(batch) == repeats.among(batch)
        if is_committed:
            rows.there.update(batch)


@given(BATCHES)
def test_it_says_so_too_when_it_remembers_fewer_bots_than_there_are(
    batches: Sequence[tuple[list[UpdateKey], bool]],
) -> None:
    rows = Rows()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("actors.repeats.BOTS_KEPT", 1)
        repeats = Repeats(rows)  # type: ignore[arg-type]  no more of it is used
        for batch, is_committed in batches:
            assert rows.there.intersection(batch) == repeats.among(batch)
            if is_committed:
                rows.there.update(batch)


def test_the_inbox_is_not_asked_about_what_is_above_all_that_a_bot_had() -> None:
    rows = Rows()
    repeats = Repeats(rows)  # type: ignore[arg-type]  no more of it is used
    for batch in ([(1, 5)], [(1, 6), (2, 1)], [(1, 8), (1, 6)]):
        repeats.among(batch)

    assert [[(1, 6)]] == rows.asked


def test_a_batch_that_could_not_be_looked_up_is_looked_up_again() -> None:
    rows = Rows()
    rows.there = {(1, 5)}
    rows.is_away = True
    repeats = Repeats(rows)  # type: ignore[arg-type]  no more of it is used
    with pytest.raises(StoreUnavailable):
        repeats.among([(1, 5), (1, 7)])
    rows.is_away = False

    assert {(1, 5)} == repeats.among([(1, 5), (1, 7)])


def test_a_new_process_knows_what_the_last_one_received(database: Database) -> None:
    with closing(database.opened()) as store:
        ledger = Ledger(store)
        ledger.append([Entry("bot/1", 1, a_started())], inbox=[InboxRow(1, 5, 1.0, "42", b"sealed")])

        assert {(1, 5)} == Repeats(ledger.inbox).among([(1, 4), (1, 5), (1, 6), (2, 5)])
