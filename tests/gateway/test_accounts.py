"""Tenants and their keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.refusal import Refused
from domain.tenant import OPERATOR, Scope
from gateway import asking
from tests.examples import TENANT, TOKEN_TEXT, after
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


@pytest.mark.parametrize(
    "body", [{"expires_in_s": 3600}, {"expires_at": "2026-07-01T13:00:00Z"}, {"expires_at": "2026-07-01T15:00+02:00"}]
)
def test_a_key_expires_when_it_was_told_to(house: House, body: dict[str, object]) -> None:
    made = house.call("POST", "/api/keys", body).json()
    listed = house.call("GET", "/api/keys").json()["keys"][-1]
    statuses = []
    for moment in (after(3599), after(3600)):
        house.clock.is_set(moment)
        statuses.append(house.call("GET", "/api/bots", key=made["api_key"]).status_code)

    assert [200, 401] == statuses
    assert ["2026-07-01T13:00:00Z"] * 2 == [made["expires_at"], listed["expires_at"]]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"expires_in_s": 0}, '"expires_in_s" must be > 0.0.'),
        ({"expires_in_s": 1e9}, '"expires_in_s" must be <= 315360000.0.'),
        ({"expires_in_s": "1h"}, '"expires_in_s" must be a number or null, not a string.'),
        ({"expires_at": "tomorrow"}, '"expires_at" must be a time like 2026-07-01T12:00:00Z.'),
        ({"expires_at": "2026-07-01T12:00:00Z"}, "A key expires in the future, and within 3650 days."),
        ({"expires_at": "9999-12-31T23:59:59Z"}, "A key expires in the future, and within 3650 days."),
        ({"expires_in_s": 60, "expires_at": "2026-07-02"}, 'Say either "expires_in_s" or "expires_at".'),
    ],
)
def test_an_expiry_that_cannot_be_is_refused_in_a_sentence(house: House, body: dict[str, object], detail: str) -> None:
    answer = house.call("POST", "/api/keys", body)

    assert (400, detail) == (answer.status_code, answer.json()["detail"])
    assert 1 == len(house.call("GET", "/api/keys").json()["keys"])


def test_a_key_rotates_itself_and_goes_on_until_the_overlap_ends(house: House) -> None:
    old_id = house.key.split("_")[1]
    answer = house.call("POST", f"/api/keys/{old_id}/rotate", {"overlap_s": 60})
    made = answer.json()
    old, new = house.call("GET", "/api/keys", key=made["api_key"]).json()["keys"]
    house.clock.is_set(after(60))

    assert (201, str(made["position"])) == (answer.status_code, answer.headers["Botloft-Position"])
    assert (["tenant"], "first", None) == (made["scopes"], made["label"], made["expires_at"])
    assert ("2026-07-01T12:01:00Z", made["key_id"]) == (old["expires_at"], old["successor_id"])
    assert (made["key_id"], None) == (new["key_id"], new["successor_id"])
    assert [401, 200] == [house.call("GET", "/api/bots", key=key).status_code for key in (house.key, made["api_key"])]


def test_an_overlap_is_a_day_unless_it_is_said(house: House) -> None:
    house.call("POST", f"/api/keys/{house.key.split('_')[1]}/rotate")

    assert "2026-07-02T12:00:00Z" == house.call("GET", "/api/keys").json()["keys"][0]["expires_at"]


@pytest.mark.parametrize(("overlap_s", "bound"), [(-1, ">= 0.0"), (2_592_001, "<= 2592000.0")])
def test_an_overlap_has_bounds(house: House, overlap_s: float, bound: str) -> None:
    answer = house.call("POST", f"/api/keys/{house.key.split('_')[1]}/rotate", {"overlap_s": overlap_s})

    assert (400, f'"overlap_s" must be {bound}.') == (answer.status_code, answer.json()["detail"])


def test_another_tenant_s_key_is_rotated_like_none(house: House) -> None:
    answers = [
        house.call("POST", f"/api/keys/{key_id}/rotate", {})
        for key_id in (house.other_key.split("_")[1], house.admin_key.split("_")[1], "key999999999", "k" * 500)
    ]

    assert [404] * 4 == [answer.status_code for answer in answers]
    assert [answers[2].json()] * 2 == [answer.json() for answer in answers[:2]]


def test_an_analyst_rotates_its_own_key_and_gets_at_no_other(house: House) -> None:
    mine, theirs = (
        house.call("POST", "/api/keys", {"scopes": ["analyst"]}, key=house.admin_key).json() for _ in range(2)
    )
    admin_id = house.admin_key.split("_")[1]
    statuses = [
        house.call("POST", f"/api/keys/{key_id}/rotate", {}, key=mine["api_key"]).status_code
        for key_id in (mine["key_id"], theirs["key_id"], admin_id, "key999999999")
    ]

    assert [201, 403, 403, 403] == statuses


@pytest.mark.parametrize(("method", "tail"), [("POST", "/rotate"), ("DELETE", "")])
def test_a_key_without_the_scope_admin_gets_at_no_admin_s_key(house: House, method: str, tail: str) -> None:
    weak = house.call("POST", "/api/keys", {"scopes": ["tenant"]}, key=house.admin_key).json()["api_key"]
    house.call("POST", "/api/keys", {}, key=house.admin_key)
    answer = house.call(method, f"/api/keys/{house.admin_key.split('_')[1]}{tail}", key=weak)

    assert (403, "That key can do more than yours. Ask with an admin's key.") == (
        answer.status_code,
        answer.json()["detail"],
    )


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
