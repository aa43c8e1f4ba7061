"""Tenants and their keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.refusal import Refused
from domain.tenant import OPERATOR, Scope
from gateway import asking
from tests.examples import TENANT, TOKEN_TEXT
from tests.gateway.fakes import ADMIN_TEXT, House


def test_a_tenant_registers_and_its_key_works_at_once(house: House) -> None:
    answer = house.call("POST", "/auth/register", {"name": " Initech "}, key="")
    made = answer.json()

    assert (201, "Initech") == (answer.status_code, made["name"])
    assert str(made["position"]) == answer.headers["Botloft-Position"]
    assert {"bots": []} == house.call("GET", "/api/bots", key=made["api_key"]).json()
    assert made["tenant_id"] in house.accounts.tenants


@pytest.mark.parametrize(
    ("whose", "status", "code"),
    [("nobody", 403, "forbidden"), ("a tenant", 403, "forbidden"), ("mistyped", 401, "unauthenticated")],
)
def test_closed_registration_takes_an_admin_s_key(
    build: Callable[..., House], whose: str, status: int, code: str
) -> None:
    house = build(open_registration=False)
    key = {"nobody": "", "a tenant": house.key, "mistyped": "blk_x"}[whose]
    answer = house.call("POST", "/auth/register", {"name": "Initech"}, key=key)

    assert (status, code) == (answer.status_code, answer.json()["code"])


def test_an_admin_registers_tenants_where_registration_is_closed(build: Callable[..., House]) -> None:
    house = build(open_registration=False)

    assert 201 == house.call("POST", "/auth/register", {"name": "Initech"}, key=house.admin_key).status_code
    assert 201 == house.call("POST", "/auth/register", {"name": "Hooli"}, key=ADMIN_TEXT).status_code


def test_a_name_with_a_token_in_it_is_recorded_without(house: House) -> None:
    answer = house.call("POST", "/auth/register", {"name": f"Bots {TOKEN_TEXT}"}, key="")

    assert "Bots <token>" == answer.json()["name"]


def test_a_tenant_issues_itself_another_key(house: House) -> None:
    answer = house.call("POST", "/api/keys", {"label": "laptop"})
    made = answer.json()
    listed = house.call("GET", "/api/keys", key=made["api_key"]).json()["keys"]

    assert (201, ["tenant"], "laptop") == (answer.status_code, made["scopes"], made["label"])
    assert ["first", "laptop"] == [key["label"] for key in listed]
    assert {
        "key_id": made["key_id"],
        "scopes": ["tenant"],
        "label": "laptop",
        "issued_at": "2026-07-01T12:00:00Z",
        "expires_at": None,
        "successor_id": None,
        "last_used_at": "2026-07-01T12:00:00Z",
    } == listed[1]


@pytest.mark.parametrize("scopes", [["admin"], ["analyst"], ["tenant", "admin"]])
def test_a_tenant_s_key_makes_tenant_s_keys_only(house: House, scopes: list[str]) -> None:
    answer = house.call("POST", "/api/keys", {"scopes": scopes})

    assert (403, "forbidden") == (answer.status_code, answer.json()["code"])


def test_an_admin_issues_keys_of_every_scope_for_the_operator(house: House) -> None:
    answer = house.call("POST", "/api/keys", {"scopes": ["analyst", "admin", "admin"]}, key=house.admin_key)

    assert ["analyst", "admin"] == answer.json()["scopes"]
    assert answer.json()["key_id"] in house.accounts.tenants[OPERATOR].keys


def test_a_key_has_the_scopes_of_the_one_that_asked_for_it(house: House) -> None:
    assert ["admin"] == house.call("POST", "/api/keys", {}, key=house.admin_key).json()["scopes"]


def test_a_revoked_key_opens_nothing_from_then_on(house: House) -> None:
    made = house.call("POST", "/api/keys").json()
    answer = house.call("DELETE", f"/api/keys/{made['key_id']}")

    assert (204, b"") == (answer.status_code, answer.content)
    assert answer.headers["Botloft-Position"].isdigit()
    assert 401 == house.call("GET", "/api/bots", key=made["api_key"]).status_code


def test_the_last_key_stays(house: House) -> None:
    answer = house.call("DELETE", f"/api/keys/{house.key.split('_')[1]}")

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])


def test_another_tenant_s_key_is_no_key(house: House) -> None:
    theirs = house.call("DELETE", f"/api/keys/{house.other_key.split('_')[1]}")
    nobody_s = house.call("DELETE", "/api/keys/key999999999")

    assert 404 == theirs.status_code
    assert theirs.json() == nobody_s.json()
    assert 404 == house.call("DELETE", f"/api/keys/{'k' * 500}").status_code


def test_a_change_that_the_store_did_not_take_is_said_to_be_none(house: House) -> None:
    house.accounts.says = Refused(
        "store_unavailable", "The change could not be recorded and was not made. Try again.", 2.0
    )
    answer = house.call("POST", "/api/keys", {})

    assert (503, "2", "store_unavailable") == (
        answer.status_code,
        answer.headers["Retry-After"],
        answer.json()["code"],
    )


def test_an_actor_that_stays_silent_is_not_waited_for_for_ever(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking.asked, "__defaults__", (0.01,))
    house.accounts.silent = True
    answer = house.call("GET", "/api/keys")

    assert (503, "store_unavailable") == (answer.status_code, answer.json()["code"])


def test_who_asks_is_the_key_s_tenant(house: House) -> None:
    house.call("POST", "/api/keys", {"label": "x"})

    assert (TENANT, (Scope.TENANT,)) == (house.accounts.asked[-1].tenant_id, house.accounts.asked[-1].scopes)
