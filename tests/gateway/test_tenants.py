"""An admin's look at the tenants, their weights and keys, and the fleet's limits."""

from __future__ import annotations

from typing import Any

import pytest

from actors.messages import Notify, RemoveTenant, WeighTenant
from domain.refusal import Refused
from domain.tenant import NO_TENANT
from tests.examples import after
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


# Their keys

WHY = {"reason": "it lost its last"}


def admin(house: House, method: str, path: str, json: object = None) -> Any:
    return house.call(method, f"/admin/tenants/{path}", json, key=house.admin_key)


def made(house: House, **body: object) -> dict[str, Any]:
    return dict(admin(house, "POST", "acme/keys", {**WHY, **body}).json())


def key_id(text: str) -> str:
    return text.split("_")[1]


def test_a_tenant_whose_only_key_has_expired_gets_another_from_an_admin(house: House) -> None:
    brief = house.call("POST", "/api/keys", {"expires_in_s": 60}).json()["api_key"]
    house.call("DELETE", f"/api/keys/{key_id(house.key)}", key=brief)
    house.clock.is_set(after(60))
    answer = admin(house, "POST", "acme/keys", {**WHY, "label": "by phone", "expires_in_s": 3600})
    key = answer.json()

    assert (201, str(key["position"])) == (answer.status_code, answer.headers["Botloft-Position"])
    assert (["tenant"], "by phone", "2026-07-01T13:01:00Z") == (key["scopes"], key["label"], key["expires_at"])
    assert [401, 200] == [house.call("GET", "/api/bots", key=one).status_code for one in (brief, key["api_key"])]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (None, 'The body needs the field "reason".'),
        ({"reason": " "}, '"reason" must not be empty.'),
        ({**WHY, "scopes": ["admin"]}, 'There is no field "scopes" here.'),
        ({**WHY, "expires_at": "2026-07-01T12:00:00Z"}, "A key expires in the future, and within 3650 days."),
        ({**WHY, "expires_in_s": 6, "expires_at": "2026-07-02"}, 'Say either "expires_in_s" or "expires_at".'),
    ],
)
def test_a_key_that_cannot_be_is_not_made_for_a_tenant_and_it_hears_nothing(
    house: House, body: dict[str, object] | None, detail: str
) -> None:
    answer = admin(house, "POST", "acme/keys", body)

    assert (400, detail) == (answer.status_code, answer.json()["detail"])
    assert 1 == len(house.accounts.tenants["acme"].keys)
    assert [] == house.notices.asked


def test_an_admin_sees_of_a_tenant_s_keys_what_the_tenant_sees(house: House) -> None:
    made(house)
    answer = admin(house, "GET", "acme/keys")

    assert 2 == len(answer.json()["keys"])
    assert house.call("GET", "/api/keys").content == answer.content


def test_a_key_that_an_admin_revokes_opens_nothing_from_then_on(house: House) -> None:
    leaked, kept = house.key, made(house)["api_key"]
    answer = admin(house, "DELETE", f"acme/keys/{key_id(leaked)}?reason=it%20leaked")

    assert (204, b"") == (answer.status_code, answer.content)
    assert answer.headers["Botloft-Position"].isdigit()
    assert [401, 200] == [house.call("GET", "/api/bots", key=one).status_code for one in (leaked, kept)]


def test_an_admin_does_not_take_a_tenant_s_last_key(house: House) -> None:
    answer = admin(house, "DELETE", f"acme/keys/{key_id(house.key)}", WHY)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert answer.json()["detail"].startswith("This is the last key. Make another first")
    assert [] == house.notices.asked


def test_a_key_of_somebody_else_is_none_of_this_tenant_s(house: House) -> None:
    made(house)
    ids = [key_id(house.other_key), key_id(house.admin_key), "key999999999", "k" * 500]
    answers = [admin(house, "DELETE", f"acme/keys/{one}", WHY) for one in ids]

    assert [404] * 4 == [answer.status_code for answer in answers]
    assert {"This tenant has no such key. GET /admin/tenants/acme/keys lists its keys."} == {
        answer.json()["detail"] for answer in answers
    }
    assert [200] * 2 == [
        house.call("GET", "/api/keys", key=one).status_code for one in (house.other_key, house.admin_key)
    ]


@pytest.mark.parametrize("tenant_id", ["nobody", "operator", "globex", "x" * 500])
def test_who_is_no_tenant_has_no_keys_here(house: House, tenant_id: str) -> None:
    """Neither has one that was removed; and the operator's own are had at `/api/keys`."""
    admin(house, "DELETE", "globex", {"reason": "left us"})
    of_operator = len(house.accounts.tenants["operator"].keys)
    answers = [
        admin(house, "GET", f"{tenant_id}/keys"),
        admin(house, "POST", f"{tenant_id}/keys", WHY),
        admin(house, "DELETE", f"{tenant_id}/keys/{key_id(house.admin_key)}", WHY),
    ]

    assert [(404, NO_TENANT.detail)] * 3 == [(answer.status_code, answer.json()["detail"]) for answer in answers]
    assert of_operator == len(house.accounts.tenants["operator"].keys)


def test_a_tenant_is_told_of_each_key_that_an_admin_made_or_revoked_and_never_the_key(house: House) -> None:
    key = made(house, label="by phone")
    admin(house, "DELETE", f"acme/keys/{key['key_id']}", {"reason": "it leaked"})

    name = f'{key["key_id"]} ("by phone")'
    assert [
        Notify("acme", "key_issued", f"An operator has made the key {name} for you: it lost its last."),
        Notify("acme", "key_revoked", f"An operator has revoked your key {name}: it leaked."),
    ] == house.notices.asked
    assert key["api_key"].split("_")[2] not in str(house.notices.asked)


def test_a_key_that_was_made_is_shown_though_its_tenant_cannot_be_told(house: House) -> None:
    house.notices.says = Refused("store_unavailable", "Nobody can be told anything.")

    assert 200 == house.call("GET", "/api/bots", key=made(house)["api_key"]).status_code
