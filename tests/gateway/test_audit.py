"""Whatever an admin's key changes is on record before it is done: what, by which key, from where and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from starlette.routing import Route
from structlog.testing import capture_logs

from actors.bot import FAILED
from domain import events as e
from domain import streams
from domain.refusal import Refused
from domain.store.mapper import to_bytes
from gateway import asking
from gateway.events import acts
from gateway.events.wire import on_the_wire
from tests.examples import BOT_ID, NOON, TOKEN_TEXT, a_new_key
from tests.gateway.fakes import ADMIN_TEXT, House
from tests.gateway.test_auth import KEYS, ROUTES, methods_of, route_of

AUDIT = "/admin/system/audit"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
ACTS: dict[tuple[str, str], tuple[str, str]] = {
    ("POST", "/auth/register"): ("tenant.register", "New"),
    ("POST", "/api/keys"): ("key.issue", "unnamed (admin)"),
    ("DELETE", "/api/keys/{key_id}"): ("key.revoke", "nosuchkey"),
    ("POST", "/api/keys/{key_id}/rotate"): ("key.rotate", "nosuchkey"),
    ("PATCH", "/admin/tenants/{tenant_id}"): ("tenant.weigh", "acme"),
    ("DELETE", "/admin/tenants/{tenant_id}"): ("tenant.remove", "globex"),
    ("POST", "/admin/tenants/{tenant_id}/keys"): ("key.issue", "acme: unnamed"),
    ("DELETE", "/admin/tenants/{tenant_id}/keys/{key_id}"): ("key.revoke", "nosuchkey"),
    ("POST", "/admin/system/retention"): ("retention.run", "log"),
    ("POST", "/admin/system/validate-token"): ("token.validate", str(BOT_ID)),
    ("POST", "/admin/system/vault/rotate"): ("vault.rotate", "master key"),
    ("POST", "/admin/system/vault/retire"): ("vault.retire", "master key"),
    ("POST", "/admin/system/validate-all-tokens"): ("tokens.validate", "all"),
    ("POST", "/admin/system/bot-health/persist-now"): ("views.persist", "all"),
    ("POST", "/admin/system/retry-statistics/reset"): ("retry-statistics.reset", "all"),
    ("PATCH", "/admin/bots/{bot_id}"): ("bot.configure", str(BOT_ID)),
    ("DELETE", "/admin/bots/{bot_id}"): ("bot.remove", str(BOT_ID)),
    ("POST", "/admin/bots/{bot_id}/suspend"): ("bot.suspend", str(BOT_ID)),
    ("POST", "/admin/bots/{bot_id}/resume"): ("bot.resume", str(BOT_ID)),
    ("POST", "/admin/system/circuit-breakers/{bot_id}/open"): ("breaker.open", str(BOT_ID)),
    ("POST", "/admin/system/circuit-breakers/{bot_id}/reset"): ("breaker.reset", str(BOT_ID)),
    ("POST", "/admin/system/projections/{name}/pause"): ("projection.pause", "health"),
    ("POST", "/admin/system/projections/{name}/resume"): ("projection.resume", "health"),
    ("POST", "/admin/system/projections/{name}/rebuild"): ("projection.rebuild", "health"),
    ("POST", "/admin/system/projections/{name}/skip"): ("projection.skip", "health"),
}
"""Every route that changes something with an admin's key, and what its record says."""
NO_ACTS = {("POST", "/api/whatif"), ("POST", "/webhook/{opaque}")}
"""The first two change nothing, and no key opens the last."""
LOOKED_AT_FIRST = {
    ("POST", "/admin/system/projections/{name}/rebuild"),
    ("POST", "/admin/system/projections/{name}/skip"),
}
"""In the table of keys these ask for what is not there, which is seen before anything is recorded."""


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    """Where it takes an admin to register a tenant."""
    return build(open_registration=False)


def an_admin_may_change() -> list[tuple[str, str, Any]]:
    admin = KEYS.index("admin")
    return [row[:3] for row in ROUTES if row[0] in CHANGING and row[3][admin] not in (401, 403)]


def recorded(house: House) -> list[Any]:
    found = (one.event for one in house.log.everything())
    return [event for event in found if isinstance(event, e.AdminActed | e.AdminActRefused)]


def admin(house: House, method: str, path: str, json: object = None, **more: Any) -> Any:
    return house.call(method, path, json, key=house.admin_key, **more)


def test_every_route_that_an_admin_changes_something_with_is_in_the_table(house: House) -> None:
    may = {(method, route_of(house, path).path) for method, path, _ in an_admin_may_change()}
    of_admins = {
        (method, route.path)
        for route in house.client.app.routes
        if isinstance(route, Route) and route.path.startswith("/admin/")
        for method in methods_of(route)
        if method in CHANGING
    }

    assert may == ACTS.keys() | NO_ACTS
    assert of_admins <= ACTS.keys() | NO_ACTS


@pytest.mark.parametrize(
    ("method", "path", "body"), an_admin_may_change(), ids=[f"{m} {p}" for m, p, _ in an_admin_may_change()]
)
def test_an_act_leaves_one_record_and_a_refused_one_a_second_that_says_so(
    house: House, method: str, path: str, body: Any
) -> None:
    answer = admin(house, method, path, body)
    route = (method, route_of(house, path).path)
    found = recorded(house)

    if route in NO_ACTS or (answer.status_code >= 400 and route in LOOKED_AT_FIRST):
        assert [] == found
        return
    acted = found[0]
    assert ACTS[route] == (acted.action, acted.target)
    assert (body or {}).get("reason", "none given") == acted.reason
    assert ("operator", house.admin_key.split("_")[1], "127.0.0.1") == (acted.tenant_id, acted.by, acted.client)
    assert ([answer.json()["code"]] if answer.status_code >= 400 else []) == [one.code for one in found[1:]]


@pytest.mark.parametrize("verb", ["pause", "rebuild"])
def test_what_is_done_to_a_projection_that_is_there_is_on_record(house: House, verb: str) -> None:
    answer = admin(house, "POST", f"/admin/system/projections/bots/{verb}", {"reason": "a full disk"})

    assert answer.status_code in (200, 202)
    assert [(f"projection.{verb}", "bots")] == [(one.action, one.target) for one in recorded(house)]


def test_the_record_is_there_before_the_act(house: House) -> None:
    seen: list[int] = []
    house.fleet.on_asked = lambda: seen.append(len(recorded(house)))
    admin(house, "POST", f"/admin/bots/{BOT_ID}/suspend", {"reason": "abuse"})

    assert [1] == seen


def test_what_cannot_be_recorded_is_not_done(house: House) -> None:
    house.audit.says = Refused("store_unavailable", "It could not be recorded and was not done. Try again.")
    answers = [
        admin(house, method, path, body).status_code
        for method, path, body in an_admin_may_change()
        if (method, route_of(house, path).path) not in NO_ACTS | LOOKED_AT_FIRST
    ]

    assert {503} == set(answers)
    assert [] == house.fleet.asked


@pytest.mark.parametrize("body", [None, {}, {"reason": ""}, {"reason": 7}, {"reason": "x" * 201}, {"raeson": "x"}])
def test_an_act_without_a_good_reason_is_neither_done_nor_recorded(house: House, body: Any) -> None:
    for path in (f"/admin/bots/{BOT_ID}/suspend", f"/admin/system/circuit-breakers/{BOT_ID}/open"):
        assert 400 == admin(house, "POST", path, body).status_code

    assert [] == recorded(house)
    assert [] == house.fleet.asked


def test_an_act_of_which_nobody_knows_whether_it_was_done_is_not_told_as_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fleet.silent = True
    monkeypatch.setattr(asking.asked, "__defaults__", (0.05,))
    answer = admin(house, "POST", f"/admin/bots/{BOT_ID}/suspend", {"reason": "abuse"})

    assert 503 == answer.status_code
    assert ["bot.suspend"] == [one.action for one in recorded(house)]


def test_an_act_over_which_its_bot_has_failed_may_be_done_and_is_not_told_as_refused(house: House) -> None:
    house.fleet.says = FAILED
    answer = admin(house, "POST", f"/admin/bots/{BOT_ID}/suspend", {"reason": "abuse"})

    assert (500, FAILED.detail) == (answer.status_code, answer.json()["detail"])
    assert ["bot.suspend"] == [one.action for one in recorded(house)]


def test_what_a_tenant_does_with_its_own_keys_is_no_act_of_an_admin_s(house: House) -> None:
    house.call("POST", "/api/keys", {})
    house.call("DELETE", "/api/keys/nosuchkey")

    assert [] == recorded(house)


def test_the_admin_s_key_of_the_settings_is_named_so(house: House) -> None:
    house.call("POST", f"/admin/bots/{BOT_ID}/suspend", {"reason": "abuse"}, key=ADMIN_TEXT)

    assert ["settings"] == [one.by for one in recorded(house)]


def test_no_token_and_no_key_gets_into_the_record(house: House) -> None:
    key = a_new_key(3).text
    admin(house, "POST", f"/admin/bots/{BOT_ID}/suspend", {"reason": f"{TOKEN_TEXT} and {key}"})
    admin(house, "PATCH", f"/admin/tenants/{key[:60]}", {"reason": "x", "weight": 2})
    admin(house, "DELETE", f"/api/keys/{key[:60]}")
    admin(house, "DELETE", f"/admin/tenants/{TOKEN_TEXT}", {"reason": "x"})

    told = b"".join(to_bytes(event) for event in recorded(house))
    assert 7 == len(recorded(house))
    assert not any(secret.encode() in told for secret in (TOKEN_TEXT.split(":")[1], key[16:40]))


def test_where_it_came_from_is_what_a_trusted_proxy_says(build: Callable[..., House]) -> None:
    trusted = build(trusted_proxies=(ip_network("127.0.0.1/32"),))
    forged = {"X-Forwarded-For": "203.0.113.9, 198.51.100.4"}
    admin(trusted, "POST", f"/admin/bots/{BOT_ID}/suspend", {"reason": "abuse"}, headers=forged)

    assert ["198.51.100.4"] == [one.client for one in recorded(trusted)]


# Reading it


def acted(house: House, number: int, **changes: Any) -> int:
    at = NOON + timedelta(hours=number)
    usual = {"action": "bot.suspend", "target": str(number), "by": "k1", "reason": "x", "client": "192.0.2.7"}
    act = e.AdminActed(occurred_at=at, tenant_id="operator", **{**usual, **changes})
    return house.log.add_to(streams.admin_stream(at), act)


def refused(house: House, number: int, position: int) -> None:
    at = NOON + timedelta(hours=number)
    refusal = e.AdminActRefused(occurred_at=at, tenant_id="operator", act_position=position, code="not_found")
    house.log.add_to(streams.admin_stream(at), refusal)


def pages(house: House, **query: Any) -> list[list[dict[str, Any]]]:
    found, before = [], {}
    while True:
        page = admin(house, "GET", AUDIT, params={**query, **before}).json()
        found.append(page["acts"])
        if page["next"] is None:
            return found
        before = {"before": page["next"]}


def test_acts_are_listed_newest_first_over_days_and_pages(house: House) -> None:
    positions = [acted(house, number) for number in range(0, 100, 7)]
    for limit in (1, 4, 100):
        found = pages(house, limit=limit)

        assert positions[::-1] == [one["position"] for page in found for one in page]
        assert all(len(page) <= limit for page in found)


def test_an_act_is_told_whole(house: House) -> None:
    position = acted(house, 1)

    assert {
        "position": position,
        "at": "2026-07-01T13:00:00Z",
        "action": "bot.suspend",
        "target": "1",
        "by": "k1",
        "client": "192.0.2.7",
        "reason": "x",
        "refused": None,
    } == admin(house, "GET", AUDIT).json()["acts"][0]


def test_a_refused_act_is_told_as_such_also_when_its_refusal_is_on_another_page(house: House) -> None:
    first, second = acted(house, 1), acted(house, 1)
    refused(house, 1, first)

    for limit in (1, 2):
        found = [one for page in pages(house, limit=limit) for one in page]
        assert [(second, None), (first, "not_found")] == [(one["position"], one["refused"]) for one in found]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"action": "bot.remove"}, [30]),
        ({"action": "bot"}, [50, 30, 10]),
        ({"action": "b"}, []),
        ({"target": "7"}, [40]),
        ({"by": "k2"}, [20]),
        ({"from": "2026-07-02T08:00:00Z"}, [50, 40, 30, 20]),
        ({"from": "2026-07-02T08:00:01Z", "to": "2026-07-03T04:00:00Z"}, [30]),
        ({"to": "2026-07-01"}, []),
        ({"to": "2026-07-02"}, [10]),
    ],
)
def test_acts_are_found_by_what_whom_and_when(house: House, query: dict[str, str], numbers: list[int]) -> None:
    positions = {
        acted(house, 10): 10,
        acted(house, 20, action="tenant.weigh", by="k2"): 20,
        acted(house, 30, action="bot.remove"): 30,
        acted(house, 40, action="tenant.weigh", target="7"): 40,
        acted(house, 50): 50,
    }

    assert numbers == [positions[one["position"]] for one in admin(house, "GET", AUDIT, params=query).json()["acts"]]


def test_a_rare_act_is_found_in_several_looks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "PIECE", 3)
    monkeypatch.setattr(acts, "LOOK", 6)
    rare = acted(house, 0, by="k2")
    for number in range(1, 20):
        refused(house, number, acted(house, number))
    found = pages(house, by="k2")

    assert [rare] == [one["position"] for page in found for one in page]
    assert len(found) > 1


@pytest.mark.parametrize(
    "query", [{"before": "1"}, {"before": "x"}, {"limit": "0"}, {"from": "soon"}, {"action": ""}, {"actoin": "bot"}]
)
def test_a_question_that_makes_no_sense_is_refused(house: House, query: dict[str, str]) -> None:
    acted(house, 1)

    assert (400, "invalid_request") == (
        (answer := admin(house, "GET", AUDIT, params=query)).status_code,
        answer.json()["code"],
    )


def test_an_analyst_reads_of_acts_all_but_the_address(house: House) -> None:
    """An address is personal data. An admin's key is told it, by `/api/events` too."""
    analyst = admin(house, "POST", "/api/keys", {"scopes": ["analyst"]}).json()["api_key"]
    told = {
        whose: house.call("GET", "/api/events", params={"topics": "admin-acted"}, key=key).json()
        for whose, key in {"analyst": analyst, "admin": house.admin_key}.items()
    }

    assert "127.0.0.1" == told["admin"].pop("client")
    assert told["admin"] == told["analyst"]
    assert "key.issue" == told["analyst"]["action"]
    assert "" == house.call("GET", "/api/events", params={"topics": "admin-acted"}).text


def test_the_address_of_an_act_is_told_where_its_reader_is_an_admin() -> None:
    act = e.AdminActed(occurred_at=NOON, tenant_id="o", by="k", reason="x", action="a", target="t", client="192.0.2.7")
    row = (7, "admin/2026-07-01", 1, "admin-acted", to_bytes(act))

    assert [False, True] == [b"192.0.2.7" in on_the_wire(row, for_admin=is_admin) for is_admin in (False, True)]


# Who is none


def test_who_comes_without_an_admin_s_key_is_counted_and_logged_without_it(house: House) -> None:
    wrong = a_new_key(9).text
    with capture_logs() as lines:
        for key in ("", wrong, house.key):
            house.call("GET", AUDIT, key=key)
        house.call("POST", "/auth/register", {"name": "New"}, key=wrong)

    assert [] == recorded(house)
    assert 4 == admin(house, "GET", "/admin/system/stats").json()["admins_refused"]
    assert [("unauthenticated", "127.0.0.1")] * 2 == [(one["code"], one["client"]) for one in lines[:2]]
    assert not any(secret in str(lines) for secret in (wrong, wrong.split("_")[2][:16], house.key.split("_")[2]))
