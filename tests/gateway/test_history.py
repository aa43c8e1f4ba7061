"""How bots did over time, as it is asked for over HTTP; and which ranges make no sense."""

from __future__ import annotations

from datetime import datetime

import pytest

from domain.errors import StoreUnavailable
from gateway.routes import history as module
from tests.examples import BOT_ID, OTHER_BOT_ID, TENANT, a_delivered, after, an_uncertain
from tests.gateway.fakes import House

HISTORY = f"/api/bots/{BOT_ID}/history"
ADMIN_HISTORY = f"/admin/system/bot-health/history/{BOT_ID}"
UNHEALTHY = "/admin/system/bot-health/unhealthy-history"
PERSIST = "/admin/system/bot-health/persist-now"
NOON = "2026-07-01T12:00:00Z"
"""What the clock says here."""


def read(house: House, path: str, key: str | None = None, **asked: object) -> dict[str, object]:
    answer = house.call("GET", path, params=asked, key=key)
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


def test_a_tenant_reads_the_last_day_of_its_bot_in_points_for_a_chart(house: House) -> None:
    at = house.log.add(a_delivered(occurred_at=after(-600)))
    told = read(house, HISTORY, at_least=at)

    assert (BOT_ID, "2026-06-30T12:00:00Z", NOON, 300) == tuple(told[n] for n in ("bot_id", "from", "to", "bucket_s"))
    assert 288 == len(told["points"])
    assert [("2026-07-01T11:50:00Z", 1, "HEALTHY")] == [
        (point["at"], point["total"], point["status"]) for point in told["points"] if point["total"]
    ]
    assert (1, 1, 0.0, 120.0) == tuple(
        told["totals"][n] for n in ("total", "successful", "error_rate", "avg_response_time_ms")
    )


def test_an_admin_reads_any_bot_s(house: House) -> None:
    at = house.log.add(a_delivered(occurred_at=after(-600)))

    assert read(house, HISTORY, at_least=at) == read(house, ADMIN_HISTORY, key=house.admin_key, at_least=at)
    assert 404 == house.call("GET", f"{ADMIN_HISTORY[:-1]}9", key=house.admin_key).status_code


def test_another_tenant_s_bot_has_no_history(house: House) -> None:
    assert 404 == house.call("GET", HISTORY, key=house.other_key).status_code


def test_a_claim_is_not_enough_to_read_it(house: House) -> None:
    house.call("POST", "/api/bots", {"token": f"{BOT_ID}:AAHexamplesAreNotSecretsAtAll_0123456"}, key=house.other_key)
    answer = house.call("GET", HISTORY, key=house.other_key)

    assert (409, "bot_unverified") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    ("asked", "bucket_s", "points"),
    [
        ({"hours": 1}, 300, 12),
        ({"hours": 168}, 300, 2016),
        ({"hours": 168, "bucket_s": 3600}, 3600, 168),
        ({"hours": 1, "bucket_s": 86_400}, 86_400, 1),
        ({"from": "2026-07-01T11:58:00Z"}, 300, 1),
        ({"from": "2026-07-01T13:58:00+02:00", "to": NOON}, 300, 1),
        ({"from": "2026-06-20T12:00:00Z"}, 3600, 11 * 24),
        ({"from": "2026-01-01T00:00:00Z"}, 86_400, 182),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}, 300, 288),
        ({"from": "2026-07-01T11:00:00Z", "to": "2099-01-01T00:00:00Z"}, 300, 12),
    ],
    ids=str,
)
def test_a_long_range_is_told_in_larger_buckets(
    house: House, asked: dict[str, object], bucket_s: int, points: int
) -> None:
    told = read(house, HISTORY, **asked)

    assert (bucket_s, points) == (told["bucket_s"], len(told["points"]))
    assert datetime.fromisoformat(str(told["to"])) <= after(0)


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({"hours": 0}, '"hours" must be a whole number from 1 to 168.'),
        ({"hours": 169}, '"hours" must be a whole number from 1 to 168.'),
        ({"hours": "day"}, '"hours" must be a whole number from 1 to 168.'),
        ({"hours": 1, "from": NOON}, 'Ask either for "hours", or with "from" and "to".'),
        ({"hours": 1, "to": NOON}, 'Ask either for "hours", or with "from" and "to".'),
        ({"to": NOON}, '"to" needs a "from" before it.'),
        ({"from": "yesterday"}, '"from" must be a time like 2026-07-01T12:00:00Z.'),
        ({"from": "0001-01-01T00:00:00+14:00"}, '"from" must be a time like 2026-07-01T12:00:00Z.'),
        ({"from": "2026-07-01T11:00:00Z", "to": "2026-07-01T10:00:00Z"}, '"from" must be before "to".'),
        ({"from": "2026-07-01T11:00:00Z", "to": "2026-07-01T11:00:00Z"}, '"from" must be before "to".'),
        ({"from": NOON}, '"from" lies in the future: nothing has happened there yet.'),
        ({"bucket_s": 60}, '"bucket_s" must be one of 300, 3600, 86400.'),
        ({"from": "2026-01-01T00:00:00Z", "bucket_s": 300}, "That would be more than 2100 points: ask for a shorter"),
        ({"from": "1990-01-01T00:00:00Z"}, "That would be more than 2100 points: ask for a shorter range."),
    ],
    ids=str,
)
def test_a_range_that_makes_no_sense_is_refused_with_a_sentence(
    house: House, asked: dict[str, object], detail: str
) -> None:
    answer = house.call("GET", HISTORY, params=asked)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert answer.json()["detail"].startswith(detail)


def test_an_admin_pages_through_everything_that_went_wrong(house: House) -> None:
    for n in range(3):
        at = house.log.add(an_uncertain(f"c{n}", occurred_at=after(-6000 + n * 2000)))
    first = read(house, UNHEALTHY, house.admin_key, at_least=at, limit=2)
    rest = read(house, UNHEALTHY, house.admin_key, limit=2, before=first["next"])
    newest = first["incidents"][0]

    assert (BOT_ID, TENANT, "unhealthy", "2026-07-01T11:26:40Z", "2026-07-01T11:41:00Z") == tuple(
        newest[name] for name in ("bot_id", "tenant_id", "kind", "start", "end")
    )
    assert "1 of 1 commands failed within 15 minutes" == newest["cause"]
    assert (2, 1, None) == (len(first["incidents"]), len(rest["incidents"]), rest["next"])


def test_incidents_can_be_those_of_one_bot_or_of_one_kind(house: House) -> None:
    at = house.log.add(an_uncertain(occurred_at=after(-60)))
    house.call("POST", f"/api/bots/{BOT_ID}/suspend", {})

    def kinds(**asked: object) -> list[str]:
        return [one["kind"] for one in read(house, UNHEALTHY, house.admin_key, at_least=at, **asked)["incidents"]]

    assert ["unhealthy"] == kinds(kind="unhealthy")
    assert ["unhealthy"] == kinds(bot_id=BOT_ID, kind="unhealthy")
    assert [] == kinds(bot_id=OTHER_BOT_ID)
    answer = house.call("GET", UNHEALTHY, params={"kind": "sad"}, key=house.admin_key)
    assert '"kind" must be one of unhealthy, breaker, suspended.' == answer.json()["detail"]


def test_persist_now_answers_when_the_views_are_where_the_log_is(house: House) -> None:
    house.log.add(a_delivered())
    position = house.call("POST", PERSIST, key=house.admin_key).json()["position"]

    assert house.runner.newest() == position == house.runner.position()


def test_persist_now_says_so_when_a_view_does_not_come_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PERSIST_S", 0.01)
    house.runner.stop()
    house.log.add(a_delivered())
    answer = house.call("POST", PERSIST, key=house.admin_key)

    assert (503, "store_unavailable", "1") == (
        answer.status_code,
        answer.json()["code"],
        answer.headers["Retry-After"],
    )


def test_persist_now_says_so_when_the_log_cannot_be_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> int:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(house.runner, "newest", away)

    assert 503 == house.call("POST", PERSIST, key=house.admin_key).status_code
