"""An admin's hand on the views: what is asked, what is told, and what is on record before it is done."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from domain import events as e
from domain.refusal import Refused
from domain.store.mapper import Recorded
from projections.bots import BotsProjection
from tests.examples import BOT_ID, NOON, TENANT, after
from tests.gateway.fakes import ADMIN_TEXT, House
from tests.projections.runners import SOON_S

PATH = "/admin/system/projections"
WHY = {"reason": "a full disk"}


def act(house: House, name: str, verb: str, json: object = None) -> Any:
    return house.call("POST", f"{PATH}/{name}/{verb}", WHY if json is None else json, key=house.admin_key)


def listed(house: House) -> dict[str, Any]:
    return dict(house.call("GET", PATH, key=house.admin_key).json())


def status(house: House, name: str) -> dict[str, Any]:
    return next(one for one in listed(house)["projections"] if one["name"] == name)


def on_record(house: House) -> list[e.Event]:
    house.runner.catch_up()
    return [one.event for one in house.log.everything() if isinstance(one.event, e.OperatorEvent)]


def acted(verb: str, reason: str = "a full disk", name: str = "bots", by: str = "key000003000") -> e.AdminActed:
    return e.AdminActed(
        occurred_at=NOON,
        tenant_id="operator",
        by=by,
        reason=reason,
        action=f"projection.{verb}",
        target=name,
        client="127.0.0.1",
    )


@pytest.fixture
def poisoned(house: House, monkeypatch: pytest.MonkeyPatch) -> int:
    """The position of an event that the projection `bots` cannot fold."""

    fold = BotsProjection.fold

    def allergic(self: BotsProjection, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        if any(isinstance(recorded.event, e.BotSuspended) for recorded in events):
            raise ValueError("cannot fold this")
        fold(self, events, connection)

    monkeypatch.setattr(BotsProjection, "fold", allergic)
    suspended = e.BotSuspended(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, reason="loud", by="tenant")
    position = house.log.add_to("bot/poison", suspended)
    assert house.client.loop.run(house.runner.wait_for(position, SOON_S, of="health"))
    return position


def test_all_are_listed_with_what_there_is_to_say(house: House) -> None:
    house.client.loop.run(house.runner.wait_for(house.runner.newest(), SOON_S))
    found = listed(house)

    assert None is found["rebuild"]
    assert {
        "name": "bots",
        "position": house.runner.newest(),
        "state": "running",
        "lag_s": 0.0,
        "events_behind": 0,
        "error": None,
        "paused": None,
        "skipped": [],
    } == next(one for one in found["projections"] if one["name"] == "bots")


def test_a_pause_is_on_record_and_shown_and_ended_by_a_resume(house: House) -> None:
    answer = act(house, "bots", "pause")
    by = house.admin_key.split("_")[1]

    assert (200, "paused") == (answer.status_code, answer.json()["state"])
    assert {"reason": "a full disk", "by": by, "since": NOON.isoformat().replace("+00:00", "Z")} == status(
        house, "bots"
    )["paused"]
    assert int(answer.headers["Botloft-Position"]) == house.runner.newest()
    assert "running" == act(house, "bots", "resume", {}).json()["state"]
    assert [acted("pause", by=by), acted("resume", "none given", by=by)] == on_record(house)


def test_the_key_of_the_settings_is_on_record_as_such(house: House) -> None:
    house.call("POST", f"{PATH}/bots/pause", WHY, key=ADMIN_TEXT)

    assert [acted("pause", by="settings")] == on_record(house)


def test_what_cannot_be_recorded_is_not_done(house: House) -> None:
    house.audit.says = Refused("store_unavailable", "It could not be recorded and was not done. Try again.")

    assert [503] * 2 == [act(house, "bots", verb).status_code for verb in ("pause", "rebuild")]
    assert "running" == status(house, "bots")["state"]
    assert None is listed(house)["rebuild"]


@pytest.mark.parametrize("verb", ["pause", "resume", "rebuild", "skip"])
def test_an_unknown_name_is_told_the_names(house: House, verb: str) -> None:
    answer = act(house, "healt", verb, {**WHY, "position": 1} if verb == "skip" else WHY)

    assert 404 == answer.status_code
    assert "There is no such projection. There are: bots, health, commands" in answer.json()["detail"]
    assert [] == on_record(house)


@pytest.mark.parametrize(
    ("verb", "body", "detail"),
    [
        ("pause", {}, 'The body needs the field "reason".'),
        ("pause", {"reason": " "}, '"reason" must not be empty.'),
        ("rebuild", {}, 'The body needs the field "reason".'),
        ("skip", {"reason": "x"}, 'The body needs the field "position".'),
        ("skip", {"reason": "x", "position": "3"}, '"position" must be an integer, not a string.'),
        ("pause", {"reason": "x", "position": 3}, 'There is no field "position" here.'),
    ],
)
def test_a_body_that_is_not_as_it_must_be(house: House, verb: str, body: object, detail: str) -> None:
    answer = act(house, "bots", verb, body)

    assert (400, detail) == (answer.status_code, answer.json()["detail"])
    assert [] == on_record(house)


# Skipping


def test_an_event_that_stops_one_is_shown_and_skipped_on_purpose(house: House, poisoned: int) -> None:
    cause = "ValueError('cannot fold this')"
    stopped = status(house, "bots")
    ready = house.call("GET", "/health/ready", key="")
    answer = act(house, "bots", "skip", {"position": poisoned, "reason": "a known bug"})
    by = house.admin_key.split("_")[1]
    decided = e.ProjectionEventSkipped(
        occurred_at=NOON,
        tenant_id="operator",
        by=by,
        reason="a known bug",
        projection="bots",
        skipped_position=poisoned,
        skipped_topic="bot-suspended",
        cause=cause,
    )

    assert ("stopped", poisoned - 1) == (stopped["state"], stopped["position"])
    assert {"position": poisoned, "topic": "bot-suspended", "reason": cause} == stopped["error"]
    assert (503, ["the projection bots stands still"]) == (ready.status_code, ready.json()["wrong"])
    assert 200 == answer.status_code
    assert house.client.loop.run(house.runner.wait_for(poisoned, SOON_S, of="bots"))
    assert [acted("skip", "a known bug", by=by), decided] == on_record(house)
    assert [poisoned] == [skip["skipped_position"] for skip in status(house, "bots")["skipped"]]
    assert 200 == house.call("GET", "/health/ready", key="").status_code


def test_nobody_skips_another_event_than_the_one_that_was_looked_at(house: House, poisoned: int) -> None:
    wrong = act(house, "bots", "skip", {"position": poisoned - 1, "reason": "mistyped"})
    other = act(house, "health", "skip", {"position": poisoned, "reason": "another one"})

    assert [(409, "not_stopped_there")] * 2 == [(one.status_code, one.json()["code"]) for one in (wrong, other)]
    assert f"stands still at position {poisoned}, not at {poisoned - 1}" in wrong.json()["detail"]
    assert "stands still at no event" in other.json()["detail"]
    assert "stopped" == status(house, "bots")["state"]
    assert [] == on_record(house)


def test_a_rebuild_that_meets_the_event_fails_and_says_where(house: House, poisoned: int) -> None:
    assert 202 == act(house, "bots", "rebuild").status_code
    rebuild = ended(house)

    assert ("failed", poisoned) == (rebuild["state"], rebuild["error"]["position"])
    assert "stopped" == status(house, "bots")["state"]


# Rebuilding


def ended(house: House) -> dict[str, Any]:
    for thread in threading.enumerate():
        if thread.name == "rebuild":
            thread.join(SOON_S)
    return dict(listed(house)["rebuild"])


def test_a_rebuild_is_taken_and_its_end_is_shown(house: House) -> None:
    answer = act(house, "bots", "rebuild")
    rebuild = ended(house)

    assert (202, "bots") == (answer.status_code, answer.json()["name"])
    assert ("bots", "done", None) == (rebuild["name"], rebuild["state"], rebuild["error"])
    assert rebuild["done"] == rebuild["total"] >= int(answer.headers["Botloft-Position"])


def test_there_is_one_rebuild_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    rebuild = house.runner.rebuild

    def held(*args: Any) -> None:
        assert go_on.wait(SOON_S)
        rebuild(*args)

    monkeypatch.setattr(house.runner, "rebuild", held)
    first, second = act(house, "bots", "rebuild"), act(house, "health", "rebuild")
    state, skip = status(house, "bots")["state"], act(house, "bots", "skip", {"position": 1, "reason": "x"})
    go_on.set()

    assert [202, 409] == [first.status_code, second.status_code]
    assert "rebuild_runs" == second.json()["code"] == skip.json()["code"]
    assert "The projection bots is being rebuilt: 0 of " in second.json()["detail"]
    assert "rebuilding" == state
    assert "done" == ended(house)["state"]
    assert 202 == act(house, "health", "rebuild").status_code
    assert "done" == ended(house)["state"]


# Reads and readiness


def test_a_view_that_stands_still_is_read_as_it_is_and_nobody_waits(house: House) -> None:
    act(house, "bots", "pause")
    house.call("POST", f"/api/bots/{BOT_ID}/suspend", {"reason": "holiday"})
    bot = house.call("GET", f"/api/bots/{BOT_ID}")
    at_least = house.call("GET", "/api/bots", params={"at_least": house.runner.newest()})

    assert (200, "active") == (bot.status_code, bot.json()["status"])
    assert (503, "store_unavailable") == (at_least.status_code, at_least.json()["code"])


def test_a_paused_projection_is_named_and_the_gateway_ready(house: House) -> None:
    act(house, "bots", "pause")
    position = house.log.add_to("bot/9", e.BotRemoved(occurred_at=after(-1000), bot_id=9, tenant_id=TENANT))
    for one in listed(house)["projections"]:
        if one["name"] != "bots":
            assert house.client.loop.run(house.runner.wait_for(position, SOON_S, of=one["name"]))
    ready = house.call("GET", "/health/ready", key="")

    assert (200, ["bots"]) == (ready.status_code, ready.json()["paused"])


@pytest.mark.parametrize(("age_s", "wrong"), [(60, []), (61, ["the projection bots is 61 s behind"])])
def test_a_view_too_far_behind_is_not_ready(house: House, age_s: float, wrong: list[str]) -> None:
    house.runner.stop()
    house.runner.catch_up()
    for one in listed(house)["projections"]:
        if one["name"] != "bots":
            act(house, one["name"], "pause")
    house.runner.catch_up()
    house.log.add_to("bot/9", e.BotRemoved(occurred_at=after(-age_s), bot_id=9, tenant_id=TENANT))

    assert wrong == house.call("GET", "/health/ready", key="").json()["wrong"]
