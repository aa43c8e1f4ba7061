"""An admin's look at the tenants, their weights, and the fleet's limits."""

from __future__ import annotations

import pytest

from actors.messages import RemoveTenant, WeighTenant
from tests.gateway.fakes import House

ACME = {"tenant_id": "acme", "name": "Acme", "weight": 1, "keys": 1, "registered_at": "2026-07-01T12:00:00Z"}


def test_tenants_come_in_pages(house: House) -> None:
    first = house.call("GET", "/admin/tenants?limit=1", key=house.admin_key).json()["tenants"]
    rest = house.call("GET", "/admin/tenants?after=acme", key=house.admin_key).json()["tenants"]

    assert [ACME] == first
    assert ["globex"] == [one["tenant_id"] for one in rest]
    assert ACME == house.call("GET", "/admin/tenants/acme", key=house.admin_key).json()


def test_a_weight_is_set_with_a_reason_and_its_position_told(house: House) -> None:
    answer = house.call("PATCH", "/admin/tenants/acme", {"weight": 3, "reason": " pays for it "}, key=house.admin_key)

    assert {**ACME, "weight": 3, "position": 7} == {**answer.json(), "position": 7}
    assert str(answer.json()["position"]) == answer.headers["Botloft-Position"]
    assert WeighTenant("acme", 3, "admin", "pays for it") == house.accounts.asked[-1]


def test_the_same_weight_again_is_no_change(house: House) -> None:
    answer = house.call("PATCH", "/admin/tenants/acme", {"weight": 1, "reason": "to be sure"}, key=house.admin_key)

    assert (200, ACME) == (answer.status_code, answer.json())
    assert "Botloft-Position" not in answer.headers


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"reason": "why"}, 'The body needs the field "weight".'),
        ({"weight": 3}, 'The body needs the field "reason".'),
        ({"weight": 0, "reason": "why"}, '"weight" must be >= 1.'),
        ({"weight": 101, "reason": "why"}, '"weight" must be <= 100.'),
        ({"weight": 2.5, "reason": "why"}, '"weight" must be an integer, not a number.'),
        ({"weight": "3", "reason": "why"}, '"weight" must be an integer, not a string.'),
        ({"weight": 3, "reason": " "}, '"reason" must not be empty.'),
        ({"weight": 3, "reason": "x" * 201}, '"reason" must be one line of at most 200 characters.'),
        ({"weight": 3, "reason": "why", "name": "Acme"}, 'There is no field "name" here.'),
    ],
)
def test_what_is_no_weight_or_no_reason_is_refused(house: House, body: dict[str, object], detail: str) -> None:
    answer = house.call("PATCH", "/admin/tenants/acme", body, key=house.admin_key)

    assert (400, "invalid_request", detail) == (answer.status_code, answer.json()["code"], answer.json()["detail"])


@pytest.mark.parametrize("tenant_id", ["nobody", "operator", "x" * 500])
def test_who_is_no_tenant_is_not_found(house: House, tenant_id: str) -> None:
    body = {"weight": 3, "reason": "why"}
    answer = house.call("PATCH", f"/admin/tenants/{tenant_id}", body, key=house.admin_key)

    assert (404, "not_found", "There is no such tenant. GET /admin/tenants lists them.") == (
        answer.status_code,
        answer.json()["code"],
        answer.json()["detail"],
    )


def test_the_limits_of_the_fleet_are_shown(house: House) -> None:
    answer = house.call("GET", "/admin/system/rate-limiter", key=house.admin_key)

    off = {"enabled": False, "storage": "memory", "shared": False, "limits": []}
    fleet = {"fleet_rps": 25.0, "waiting": 0, "methods": [], "storage": "memory", "shared": False}
    assert {**fleet, "callers": off} == answer.json()


@pytest.mark.parametrize(("path", "body"), [("", {"reason": " left us "}), ("?reason=%20left%20us", None)])
def test_a_tenant_is_removed_with_a_reason_and_its_key_opens_nothing(house: House, path: str, body: object) -> None:
    answer = house.call("DELETE", f"/admin/tenants/globex{path}", body, key=house.admin_key)
    again = house.call("DELETE", f"/admin/tenants/globex{path}", body, key=house.admin_key)

    assert (204, b"", "9") == (answer.status_code, answer.content, answer.headers["Botloft-Position"])
    assert RemoveTenant("globex", "admin", "left us") == house.accounts.asked[0]
    assert (404, "not_found") == (again.status_code, again.json()["code"])
    assert 401 == house.call("GET", "/api/bots", key=house.other_key).status_code
    assert 200 == house.call("GET", "/api/bots").status_code


@pytest.mark.parametrize("tenant_id", ["nobody", "operator", "x" * 500])
def test_who_is_no_tenant_cannot_be_removed(house: House, tenant_id: str) -> None:
    answer = house.call("DELETE", f"/admin/tenants/{tenant_id}?reason=why", key=house.admin_key)

    assert (404, "There is no such tenant. GET /admin/tenants lists them.") == (
        answer.status_code,
        answer.json()["detail"],
    )


@pytest.mark.parametrize("path", ["?reason=", "?reason=%20", f"?reason={'x' * 201}", ""])
def test_a_tenant_is_not_removed_without_a_reason(house: House, path: str) -> None:
    answer = house.call("DELETE", f"/admin/tenants/globex{path}", key=house.admin_key)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert 200 == house.call("GET", "/api/bots", key=house.other_key).status_code
