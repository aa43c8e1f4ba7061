"""One rule for every time that a caller writes: UTC unless it says its zone, midnight where it is only a day."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.routing import Route

from domain import events, streams
from domain.tenant import Scope
from gateway.openapi import operations_in
from gateway.queries import TIME
from tests.examples import BOT_ID, NOON, TENANT, a_delivered, after
from tests.gateway.fakes import House

HOUR = 3600
MIDNIGHT = "2026-07-02T00:00:00Z"
SPELLINGS = [
    "2026-07-02T02:00:00%2B02:00",
    "2026-07-02T02:00:00+02:00",
    "2026-07-02 02:00 02:00",
    "2026-07-01T19:30:00-04:30",
    "2026-07-02T00:00:00",
    "2026-07-02 00:00",
    "2026-07-02",
    "20260702T000000Z",
]
OTHER_MOMENTS = ["2026-07-02T02:00:00Z", "2026-07-01T22:00:00Z"]
"""What a zone that is not heeded would make of it."""
NO_TIMES = ["", "yesterday", "2026-02-30", "2026-07-02T25:00", "0001-01-01", "9999-12-31T23:59:59-14:00"]
TAKES_TIMES = {
    ("/api/events", "from"),
    ("/api/events", "to"),
    ("/admin/system/audit", "from"),
    ("/admin/system/audit", "to"),
    ("/api/bots/{bot_id}/history", "from"),
    ("/api/bots/{bot_id}/history", "to"),
}
"""A few of them by name; the rest comes out of what the routes say of themselves."""


@pytest.fixture
def house_of_a_day(house: House) -> House:
    """Around midnight something happened each hour, but for the hours at both of its sides; it is noon again."""
    for hour in (1, 11, 13, 23):
        moment = after(hour * HOUR)
        house.log.add(a_delivered(f"c{hour}", received_at=moment, occurred_at=moment))
        act = events.AdminActed(occurred_at=moment, tenant_id=TENANT, by="settings", reason="", action="a", target="b")
        house.log.add_to(streams.admin_stream(moment), act)
    house.clock.is_set(after(24 * HOUR))
    return house


def routes_with_times(house: House) -> list[tuple[str, str, Scope]]:
    """Path, parameter, and the highest scope."""
    routes = [route for route in house.client.app.routes if isinstance(route, Route)]
    return [
        (path, one.name, Scope.ADMIN if Scope.ADMIN in operation.scopes else Scope.TENANT)
        for path, method, operation in operations_in(routes)
        for one in operation.parameters
        if TIME in (one.schema, *one.schema.get("oneOf", ()))
    ]


def asked(house: House, path: str, name: str, scope: Scope, text: str) -> Any:
    others = f"from={NOON:%Y-%m-%dT%H:%M:%SZ}&" if name == "to" else ""
    key = house.admin_key if scope is Scope.ADMIN else house.key
    return house.call("GET", f"{path.format(bot_id=BOT_ID)}?{others}{name}={text}", key=key)


def said(answer: Any) -> tuple[int, str, str | None]:
    return answer.status_code, answer.text, answer.headers.get("Botloft-Position")


def test_a_time_of_a_query_is_read_in_one_way_by_every_route(house_of_a_day: House) -> None:
    found = routes_with_times(house_of_a_day)

    assert {(path, name) for path, name, _ in found} >= TAKES_TIMES
    for route in found:
        expected = said(asked(house_of_a_day, *route, MIDNIGHT))
        told = {text: said(asked(house_of_a_day, *route, text)) for text in SPELLINGS}
        others = [said(asked(house_of_a_day, *route, text)) for text in OTHER_MOMENTS]

        assert 200 == expected[0], route
        assert dict.fromkeys(SPELLINGS, expected) == told, route
        assert expected not in others, route


def test_what_is_no_time_is_refused_by_every_route_in_one_sentence(house_of_a_day: House) -> None:
    for path, name, scope in routes_with_times(house_of_a_day):
        for text in NO_TIMES:
            answer = asked(house_of_a_day, path, name, scope, text)

            assert (400, "invalid_request") == (answer.status_code, answer.json()["code"]), (path, text)
            assert "a time like 2026-07-01T12:00:00Z." in answer.json()["detail"], (path, text)


@pytest.mark.parametrize("text", [MIDNIGHT, *SPELLINGS[1:]])
def test_a_time_of_a_body_is_read_in_the_same_way(house_of_a_day: House, text: str) -> None:
    house = house_of_a_day
    house.clock.is_set(NOON)
    made = house.call("POST", "/api/keys", {"expires_at": text}).json()
    ranges = [{"from": text, "to": "2026-07-02T06:00:00Z"}, {"from": "2026-07-01T18:00:00Z", "to": text}]
    reports = [house.call("POST", "/api/whatif", {**one, "policy": {"bot_rps": 15}}).json() for one in ranges]

    assert MIDNIGHT == made["expires_at"]
    assert [(MIDNIGHT, 1), ("2026-07-01T18:00:00Z", 1)] == [(one["from"], one["commands"]) for one in reports]
    assert MIDNIGHT == reports[1]["to"]
