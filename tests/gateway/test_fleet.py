"""`/admin/bots`: every tenant's bots in pages, and what an operator does to one, always with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from domain import events as e
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, TENANT, after, an_uncertain
from tests.gateway.fakes import House

BOTS = "/admin/bots"
TOKEN = ":AAHexamplesAreNotSecretsAtAll_0123456"


@pytest.fixture
def fleet(house: House) -> House:
    """`acme` has two bots, of which `globex` claims the first."""
    house.call("POST", "/api/bots", {"token": f"{OTHER_BOT_ID}{TOKEN}"})
    house.call("POST", "/api/bots", {"token": f"{BOT_ID}{TOKEN}"}, key=house.other_key)
    return house


def listed(house: House, **asked: object) -> dict[str, Any]:
    newest = house.runner.newest()
    answer = house.call("GET", BOTS, params={"at_least": newest, **asked}, key=house.admin_key)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def places(house: House, **asked: object) -> list[tuple[int, str]]:
    return [(bot["bot_id"], bot["tenant_id"]) for bot in listed(house, **asked)["bots"]]


def newest_of(house: House, kind: type[e.Event]) -> Any:
    return [recorded.event for recorded in house.log.everything() if isinstance(recorded.event, kind)][-1]


def do(house: House, method: str, path: str, body: object = None) -> Any:
    return house.call(method, f"{BOTS}/{BOT_ID}{path}", body, key=house.admin_key)


def test_all_bots_of_all_tenants_are_listed_with_their_health(fleet: House) -> None:
    for n in range(5):
        fleet.log.add(an_uncertain(f"c{n}", occurred_at=after(-60)))
    owned, claimed, other = listed(fleet)["bots"]

    assert (TENANT, "examples_bot", "active", "registered", "UNHEALTHY") == tuple(
        owned[name] for name in ("tenant_id", "username", "status", "ownership", "health")
    )
    assert (OTHER_TENANT, "unverified", None) == (claimed["tenant_id"], claimed["status"], claimed["health"])
    assert (OTHER_BOT_ID, "HEALTHY") == (other["bot_id"], other["health"])


def test_they_can_be_those_of_a_status_or_a_tenant(fleet: House) -> None:
    fleet.call("POST", f"/api/bots/{OTHER_BOT_ID}/suspend", {})

    assert [(BOT_ID, TENANT)] == places(fleet, status="active")
    assert [(OTHER_BOT_ID, TENANT)] == places(fleet, status="suspended")
    assert [(BOT_ID, OTHER_TENANT)] == places(fleet, status="unverified")
    assert [(BOT_ID, OTHER_TENANT)] == places(fleet, tenant_id=OTHER_TENANT)
    assert [(BOT_ID, TENANT)] == places(fleet, tenant_id=TENANT, status="active")
    assert [] == places(fleet, tenant_id="nobody")


def test_pages_follow_each_other_without_a_gap(fleet: House) -> None:
    first = listed(fleet, limit=1)
    second = listed(fleet, limit=1, after=first["next"])
    third = listed(fleet, limit=1, after=second["next"])

    assert [(BOT_ID, TENANT), (BOT_ID, OTHER_TENANT), (OTHER_BOT_ID, TENANT)] == [
        (bot["bot_id"], bot["tenant_id"]) for page in (first, second, third) for bot in page["bots"]
    ]
    assert third["next"] is None
    assert [(OTHER_BOT_ID, TENANT)] == places(fleet, after=BOT_ID)


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({"status": "sad"}, '"status" must be one of active, suspended, unverified.'),
        ({"after": "x"}, '"after" must be a bot\'s id, or the "next" of the page before.'),
        ({"limit": 1001}, '"limit" must be a whole number from 1 to 1000.'),
    ],
)
def test_nonsense_is_refused(house: House, asked: dict[str, object], detail: str) -> None:
    answer = house.call("GET", BOTS, params=asked, key=house.admin_key)

    assert (400, detail) == (answer.status_code, answer.json()["detail"])


def test_what_an_admin_has_suspended_only_an_admin_resumes(house: House) -> None:
    suspended = do(house, "POST", "/suspend", {"reason": "abuse"})
    by_tenant = house.call("POST", f"/api/bots/{BOT_ID}/resume")
    resumed = do(house, "POST", "/resume", {"reason": "looked into"})

    assert (200, "suspended") == (suspended.status_code, suspended.json()["status"])
    assert (409, "bot_suspended") == (by_tenant.status_code, by_tenant.json()["code"])
    assert "An operator has suspended the bot (abuse)" in by_tenant.json()["detail"]
    assert (200, "active") == (resumed.status_code, resumed.json()["status"])
    assert ("abuse", "admin") == (newest_of(house, e.BotSuspended).reason, newest_of(house, e.BotSuspended).by)
    assert ("looked into", "admin") == (newest_of(house, e.BotResumed).reason, newest_of(house, e.BotResumed).by)


def test_an_admin_s_settings_are_recorded_with_the_reason(house: House) -> None:
    answer = do(house, "PATCH", "", {"bot_rps": 1, "reason": "a flood"})
    configured = newest_of(house, e.BotConfigured)

    assert 200 == answer.status_code
    assert (1.0, "admin", "a flood", TENANT) == (
        configured.config.bot_rps,
        configured.by,
        configured.reason,
        configured.tenant_id,
    )


@pytest.mark.parametrize("in_query", [True, False])
def test_an_admin_removes_a_bot_with_a_reason(house: House, *, in_query: bool) -> None:
    answer = do(house, "DELETE", "?reason=abuse") if in_query else do(house, "DELETE", "", {"reason": "abuse"})
    removed = newest_of(house, e.BotRemoved)

    assert 204 == answer.status_code
    assert ("admin", "abuse", TENANT) == (removed.by, removed.reason, removed.tenant_id)
    assert [] == places(house)


IN_THE_BODY = 'The body needs the field "reason".'
SOMEWHERE = 'Say why: "?reason=…" in the address, or {"reason": "…"} in the body.'


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("POST", "/suspend", IN_THE_BODY),
        ("POST", "/resume", IN_THE_BODY),
        ("PATCH", "", IN_THE_BODY),
        ("DELETE", "", SOMEWHERE),
    ],
    ids=str,
)
def test_nothing_is_done_without_a_reason(house: House, method: str, path: str, said: str) -> None:
    without, blank = do(house, method, path, {}), do(house, method, path, {"reason": "  "})

    assert [(400, said), (400, '"reason" must not be empty.')] == [
        (answer.status_code, answer.json()["detail"]) for answer in (without, blank)
    ]
    assert [] == house.fleet.asked


def test_a_bot_that_nobody_has_cannot_be_changed(house: House) -> None:
    assert 404 == house.call("POST", f"{BOTS}/5/suspend", {"reason": "abuse"}, key=house.admin_key).status_code
