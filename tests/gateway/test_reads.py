"""What readers see, and when: their own writes, positions that they insist on, and views that are behind or gone."""

from __future__ import annotations

import pytest

from actors.messages import ReadResult, ResultShredded
from domain.rules.health import Health
from gateway import reading
from projections.all import all_projections
from tests.examples import BOT_ID, TENANT, a_delivered, after, an_uncertain
from tests.gateway.fakes import House
from tests.projections.sample_events import accepted as an_accepted

PATHS = ["/api/bots", f"/api/bots/{BOT_ID}", f"/api/bots/{BOT_ID}/health", f"/api/bots/{BOT_ID}/commands"]


def test_a_command_can_be_looked_up_as_soon_as_it_is_answered(house: House) -> None:
    sent = house.send().json()
    answer = house.call("GET", f"/api/commands/{sent['command_id']}")
    told = answer.json()

    assert 200 == answer.status_code
    assert (sent["command_id"], BOT_ID, "acme", "sendMessage", "delivered", "delivered", sent["position"]) == tuple(
        told[n] for n in ("command_id", "bot_id", "tenant_id", "method", "outcome", "state", "position")
    )
    assert ["received", "delivered"] == [moment["event"] for moment in told["timeline"]]


def test_a_command_of_another_tenant_is_no_command(house: House) -> None:
    command_id = house.send().json()["command_id"]
    theirs = house.call("GET", f"/api/commands/{command_id}", key=house.other_key)
    nobody_s = house.call("GET", "/api/commands/nonsense", key=house.other_key)

    assert 404 == theirs.status_code
    assert theirs.json() == nobody_s.json()
    assert 404 == house.call("GET", f"/api/commands/{'c' * 500}").status_code


def test_a_result_that_nobody_can_open_any_more_is_told_as_such(house: House) -> None:
    delivered = a_delivered("0197-durable")
    house.log.add(an_accepted(command_id="0197-durable"))
    position = house.log.add(delivered)
    house.fleet.says = ResultShredded()
    path = f"/api/commands/0197-durable?at_least={position}"
    told = house.call("GET", path, key=house.admin_key).json()

    assert ("delivered", None, True) == (told["outcome"], told["result"], told["result_shredded"])
    assert ReadResult("0197-durable", TENANT, position) == house.fleet.asked[-1]


def test_an_admin_reads_any_command(house: House) -> None:
    sent = house.send().json()
    answer = house.call("GET", f"/api/commands/{sent['command_id']}?at_least={sent['position']}", key=house.admin_key)

    assert (200, "acme") == (answer.status_code, answer.json()["tenant_id"])


def test_a_bot_s_commands_are_newest_first_and_come_in_pages(house: House) -> None:
    sent = [house.send().json()["command_id"] for _ in range(3)]
    first = house.call("GET", f"/api/bots/{BOT_ID}/commands?limit=2").json()["commands"]
    rest = house.call("GET", f"/api/bots/{BOT_ID}/commands?limit=2&before={first[-1]['command_id']}").json()["commands"]

    assert [sent[2], sent[1]] == [one["command_id"] for one in first]
    assert [sent[0]] == [one["command_id"] for one in rest]


def test_a_bot_s_health_counts_what_was_just_sent(house: House) -> None:
    house.send()
    health = house.call("GET", f"/api/bots/{BOT_ID}/health").json()

    assert (BOT_ID, "HEALTHY", 1, 1, 0, 0, 0.0, False) == tuple(
        health[name]
        for name in (
            "bot_id",
            "status",
            "total_requests",
            "successful_requests",
            "failed_requests",
            "rejected_requests",
            "error_rate",
            "is_rate_limited",
        )
    )


def test_an_admin_sees_every_bot_and_which_are_unhealthy(house: House) -> None:
    at = [house.log.add(an_uncertain(f"c{n}", occurred_at=after(n - 60))) for n in range(5)][-1]
    one = house.call("GET", f"/admin/system/bot-health/{BOT_ID}?at_least={at}", key=house.admin_key).json()
    unhealthy = house.call("GET", f"/admin/system/bot-health/unhealthy?at_least={at}", key=house.admin_key).json()
    beyond = house.call("GET", f"/admin/system/bot-health/unhealthy?after={BOT_ID}", key=house.admin_key).json()
    summary = house.call("GET", "/admin/system/bot-health/summary", key=house.admin_key).json()

    assert (Health.UNHEALTHY, 5) == (one["status"], one["failed_requests"])
    assert [one] == unhealthy["bots"]
    assert [] == beyond["bots"]
    assert (1, 1, 5) == (summary["bots"], summary["bots_by_status"]["UNHEALTHY"], summary["uncertain_requests"])


def test_there_is_no_health_of_a_bot_that_nobody_has(house: House) -> None:
    assert 404 == house.call("GET", "/admin/system/bot-health/123", key=house.admin_key).status_code


def test_stats_name_the_fleet_and_how_far_each_projection_is(house: House) -> None:
    told = house.call("GET", "/admin/system/stats", key=house.admin_key).json()

    assert {
        "bots": 1,
        "awake": 1,
        "open_commands": 0,
        "draining": False,
        "unrecorded_s": 0.0,
        "refusals_left_out": 0,
    } == told["fleet"]
    assert "0.1.0" == told["version"]
    assert [
        {
            "kind": "bot_given_up",
            "bot_id": 7_000_000_001,
            "tenant_id": "acme",
            "detail": "Bot 7000000001: its actor failed",
            "since": "2026-07-01T12:00:00Z",
        }
    ] == told["alerts"]
    assert {projection.name for projection in all_projections()} == {state["name"] for state in told["projections"]}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("position", ["-1", "x", "", "1.5", "9" * 19, "٣"])
def test_a_position_that_is_none_is_refused(house: House, path: str, position: str) -> None:
    answer = house.call("GET", path, params={"at_least": position})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert answer.json()["detail"].startswith('"at_least" must be a whole number from 0')


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_a_page_has_a_size_within_its_bounds(house: House, limit: str) -> None:
    answer = house.call("GET", f"/api/bots/{BOT_ID}/commands?limit={limit}")

    assert '"limit" must be a whole number from 1 to 100.' == answer.json()["detail"]


def test_a_position_that_the_log_has_not_come_to_is_the_askers_mistake_and_not_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.call("GET", "/api/bots")
    monkeypatch.setattr(house.runner, "wait_for", None)
    answer = house.call("GET", "/api/bots?at_least=999999")

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])


def test_a_position_that_does_not_come_is_a_problem_of_the_moment(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "AT_LEAST_S", 0.01)
    house.call("GET", "/api/bots")
    at = house.runner.position("bots")
    monkeypatch.setattr(house.runner, "newest", lambda: 999_999)
    answer = house.call("GET", "/api/bots?at_least=999999")

    assert (503, "1", f"The view is at position {at} and has not come to 999999 yet. Ask again.") == (
        answer.status_code,
        answer.headers["Retry-After"],
        answer.json()["detail"],
    )


def test_a_view_that_stands_still_does_not_hide_a_tenant_s_list(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "OWN_WRITES_S", 0.01)
    house.call("GET", "/api/bots")
    house.runner.stop()
    house.send()
    answer = house.call("GET", "/api/bots")

    assert (200, [BOT_ID]) == (answer.status_code, [bot["bot_id"] for bot in answer.json()["bots"]])


def test_views_that_cannot_be_read_are_a_problem_of_the_moment(house: House) -> None:
    house.call("GET", "/api/bots")
    house.runner.stop()
    with house.doors.views.writing() as connection:
        connection.execute("DROP TABLE bots")
    answer = house.call("GET", "/api/bots")

    assert (503, "store_unavailable") == (answer.status_code, answer.json()["code"])
    assert "bots" not in answer.json()["detail"]
