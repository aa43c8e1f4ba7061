"""What is kept, and dropping the rest now, as an admin asks for it."""

from __future__ import annotations

from domain.store.ledger import Snapshot
from tests.examples import BOT_ID, a_delivered, after
from tests.gateway.fakes import House


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
