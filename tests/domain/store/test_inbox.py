"""The inbox on each kind of database: what waits, what is remembered, and what of it goes."""

from __future__ import annotations

import pytest

from domain.store.inbox import InboxRow
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from tests.examples import a_started

BOT, OTHER = 7, 8


def row(update_id: int, bot_id: int = BOT, received_at: float = 100.0) -> InboxRow:
    return InboxRow(bot_id, update_id, received_at, "42", b"sealed %d" % update_id)


def bring(ledger: Ledger, *rows: InboxRow) -> None:
    first = ledger.last_version("bot/1") + 1
    ledger.append([Entry("bot/1", first + n, a_started()) for n in range(len(rows))], inbox=rows)


def test_what_waits_comes_by_rising_id_and_without_another_bots(ledger: Ledger) -> None:
    bring(ledger, row(3), row(1), row(2), row(2, OTHER))

    assert [row(1), row(2), row(3)] == ledger.inbox.waiting(BOT)
    assert [row(2)] == ledger.inbox.waiting(BOT, after=1, limit=1)
    assert [BOT, OTHER] == ledger.inbox.bots()


def test_what_is_settled_waits_no_more_and_is_remembered(ledger: Ledger) -> None:
    bring(ledger, row(1), row(2), row(1, OTHER))
    ledger.inbox.settle(BOT, [1, 2, 9])

    assert [] == ledger.inbox.waiting(BOT)
    assert [row(1, OTHER)] == ledger.inbox.waiting(OTHER)
    assert [OTHER] == ledger.inbox.bots()
    assert {(BOT, 1), (BOT, 2)} == ledger.inbox.known((BOT, one) for one in [1, 2, 3])
    assert {(OTHER, 1)} == ledger.inbox.known((OTHER, one) for one in [1, 2, 3])


def test_the_highest_number_is_that_of_all_that_are_remembered(ledger: Ledger) -> None:
    bring(ledger, row(5), row(2), row(9, OTHER))
    ledger.inbox.settle(BOT, [5])

    assert [5, 9, -1] == [ledger.inbox.highest(bot_id) for bot_id in (BOT, OTHER, 3)]


def test_the_last_one_is_the_one_with_the_highest_id_settled_or_not(ledger: Ledger) -> None:
    bring(ledger, row(1, received_at=100.5), row(2, received_at=200.5), row(3, OTHER, received_at=300.5))
    ledger.inbox.settle(BOT, [2])

    assert [200.5, 300.5, None] == [ledger.inbox.last(bot_id) for bot_id in (BOT, OTHER, 9)]


@pytest.fixture
def _two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("sqlite", "postgres"):
        monkeypatch.setattr(f"domain.store.{kind}_inbox.DROPPED_AT_ONCE", 2)


@pytest.mark.usefixtures("_two_at_once")
def test_of_a_bot_that_has_left_nothing_is_remembered_but_what_its_next_tenant_was_brought(ledger: Ledger) -> None:
    bring(ledger, *(row(n, received_at=n) for n in (1, 2, 3, 4)), row(1, OTHER, received_at=1))
    ledger.inbox.settle(BOT, [1])

    assert [True, False] == [ledger.inbox.forget(BOT, 3) for _ in range(2)]
    assert {(BOT, 4)} == ledger.inbox.known((BOT, one) for one in [1, 2, 3, 4])
    assert {(OTHER, 1)} == ledger.inbox.known((OTHER, one) for one in [1])


@pytest.mark.usefixtures("_two_at_once")
def test_what_was_received_earlier_goes_in_parts(ledger: Ledger) -> None:
    bring(ledger, row(1, received_at=1), row(2, received_at=2), row(1, OTHER, received_at=3), row(3, received_at=4))
    ledger.inbox.settle(BOT, [1])

    assert [True, False, False] == [ledger.inbox.drop_before(4) for _ in range(3)]
    assert {(BOT, 3)} == ledger.inbox.known((BOT, one) for one in [1, 2, 3])
    assert set() == ledger.inbox.known((OTHER, one) for one in [1])
