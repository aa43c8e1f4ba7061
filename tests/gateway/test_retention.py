"""What is kept, and dropping the rest now, as an admin asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from actors.messages import DescribeRetention, RetentionState, RunRetention
from domain.refusal import Refused
from domain.store.ledger import Snapshot
from tests.examples import BOT_ID, a_delivered, after
from tests.gateway.fakes import House, Steward


def test_what_is_kept_is_told_and_dropping_the_rest_says_what_went(house: House) -> None:
    shown = house.call("GET", "/admin/system/retention", key=house.admin_key).json()
    ran = house.call("POST", "/admin/system/retention", key=house.admin_key).json()

    assert {"days": 30, "running": False, "last_run": None} == shown
    assert ("2026-06-01", 2, 5, None) == tuple(
        ran["last_run"][name] for name in ("kept_from", "days", "events", "not_now")
    )


def test_a_moment_before_the_horizon_is_gone_and_the_horizon_named(house: House) -> None:
    first = house.log.add(a_delivered("c1", occurred_at=after(60)))
    kept_from = house.log.add(a_delivered("c2", occurred_at=after(120)))
    house.ledger.keep_snapshot(Snapshot("baseline", kept_from, b"\x80"))
    answer = house.call("GET", f"/api/bots/{BOT_ID}/health?as_of={first}")

    assert (410, "before_retention", after(120).isoformat().replace("+00:00", "Z")) == (
        answer.status_code,
        answer.json()["code"],
        answer.json()["horizon"],
    )


@pytest.mark.parametrize("at_once", [False, True])
def test_who_asks_while_it_works_is_told_that_it_does(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    at_once: bool,
) -> None:
    monkeypatch.setattr("gateway.routes.retention.WAIT_S", 0.01)
    steward = house.doors.retention
    assert isinstance(steward, Steward)

    def answers(message: Any) -> object:
        if isinstance(message, DescribeRetention):
            return RetentionState(running=True, last_run=None)
        return Refused("overloaded", "It runs.", 5.0)

    def before() -> None:
        steward.silent = isinstance(steward.asked[-1], RunRetention) and not at_once

    monkeypatch.setattr(steward, "answer", answers)
    steward.on_asked = before
    ran = house.call("POST", "/admin/system/retention", key=house.admin_key)
    shown = house.call("GET", "/admin/system/retention", key=house.admin_key)

    assert [(202, True), (202, True)] == [(one.status_code, one.json()["running"]) for one in (ran, shown)]


def test_the_key_that_asked_for_a_run_is_named(house: House) -> None:
    house.call("POST", "/admin/system/retention", key=house.admin_key)
    steward = house.doors.retention
    assert isinstance(steward, Steward)

    assert RunRetention(house.admin_key.split("_")[1]) == steward.asked[0]
