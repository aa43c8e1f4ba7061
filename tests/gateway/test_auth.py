"""Who may do what: every route with every kind of key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import pytest
from starlette.routing import Route

from domain.tenant import OPERATOR, Scope
from gateway.operations import Proof
from gateway.routing import Resource
from tests.examples import BOT_ID, TOKEN_TEXT, a_new_key
from tests.gateway.fakes import ADMIN_TEXT, House

PARAMETER = re.compile(r"\{[^}]+\}")
NO_BODY_S_BOT = 7_999_999_999

KEYS = ("none", "mistyped", "revoked", "tenant", "analyst", "admin", "of the settings")

ANYONE = (200,) * 7
TENANT = (401, 401, 401, 200, 403, 403, 403)
ADMIN = (401, 401, 401, 403, 403, 200, 200)
ANY_KEY = (401, 401, 401, 200, 200, 200, 200)
READER = (401, 401, 401, 200, 200, 200, 200)
TENANT_OR_ADMIN = (401, 401, 401, 200, 403, 200, 200)

WHAT_IF = {"from": "2026-07-01T00:00:00Z", "to": "2026-07-01T01:00:00Z", "policy": {"bot_rps": 5}}
"""Of a time of which nothing is recorded."""

ROUTES: list[tuple[str, str, object, tuple[int, ...]]] = [
    ("GET", "/", None, ANYONE),
    ("GET", "/health/live", None, ANYONE),
    ("GET", "/health/ready", None, ANYONE),
    ("GET", "/openapi.json", None, ANYONE),
    ("GET", "/docs", None, ANYONE),
    ("GET", "/problems", None, ANYONE),
    ("GET", "/problems/internal", None, ANYONE),
    ("POST", "/auth/register", {"name": "New"}, (201,) * 7),
    ("GET", "/api/keys", None, TENANT_OR_ADMIN),
    ("POST", "/api/keys", {}, (401, 401, 401, 201, 403, 201, 201)),
    ("DELETE", "/api/keys/nosuchkey", None, (401, 401, 401, 404, 403, 404, 404)),
    ("POST", "/api/keys/nosuchkey/rotate", {}, (401, 401, 401, 404, 403, 404, 404)),
    ("POST", "/auth/login", {"api_key": "nonsense"}, (401,) * 7),
    ("POST", "/auth/logout", None, (401,) * 7),
    ("GET", "/auth/session", None, (401,) * 7),
    ("GET", "/api/bots", None, TENANT),
    ("POST", "/api/bots", {"token": TOKEN_TEXT}, (401, 401, 401, 409, 403, 403, 403)),
    ("GET", f"/api/bots/{BOT_ID}", None, TENANT),
    ("PATCH", f"/api/bots/{BOT_ID}", {"bot_rps": 5}, TENANT),
    ("DELETE", f"/api/bots/{BOT_ID}", None, (401, 401, 401, 204, 403, 403, 403)),
    ("POST", f"/api/bots/{BOT_ID}/suspend", {}, TENANT),
    ("POST", f"/api/bots/{BOT_ID}/resume", None, TENANT),
    ("POST", f"/api/bots/{BOT_ID}/verify-ownership", None, TENANT),
    ("PUT", f"/api/bots/{BOT_ID}/token", {"token": TOKEN_TEXT}, TENANT),
    ("POST", f"/api/bots/{BOT_ID}/verify", {}, TENANT),
    ("POST", f"/api/bots/{BOT_ID}/refresh", {}, TENANT),
    ("POST", f"/api/bots/{BOT_ID}/webhook/rotate", {}, TENANT),
    ("POST", "/webhook/nosuchpath", {}, (404,) * 7),
    ("GET", f"/api/bots/{BOT_ID}/updates", None, TENANT),
    ("GET", f"/api/bots/{BOT_ID}/callback", None, TENANT),
    ("GET", f"/api/bots/{BOT_ID}/deliveries", None, TENANT),
    (
        "POST",
        f"/api/bots/{BOT_ID}/deliveries/replay",
        {"from_update_id": 1, "to_update_id": 2},
        (401, 401, 401, 202, 403, 403, 403),
    ),
    ("GET", "/api/notices", None, TENANT),
    ("PUT", "/api/notices/endpoint", {"url": "https://acme.example/notices"}, TENANT),
    ("DELETE", "/api/notices/endpoint", None, (401, 401, 401, 204, 403, 403, 403)),
    ("GET", f"/api/bots/{BOT_ID}/health", None, TENANT),
    ("GET", f"/api/bots/{BOT_ID}/history", None, TENANT),
    ("GET", f"/api/bots/{BOT_ID}/commands", None, TENANT),
    ("POST", f"/api/bots/{BOT_ID}/commands/getMe", {}, TENANT),
    ("GET", "/api/commands/nosuchcommand", None, (401, 401, 401, 404, 403, 404, 404)),
    ("DELETE", "/api/commands/nosuchcommand", None, (401, 401, 401, 404, 403, 403, 403)),
    *(
        ("GET", f"{place}/analytics/{question}", None, ANY_KEY)
        for place in (f"/api/bots/{BOT_ID}", "/api")
        for question in ("summary", "trends", "errors", "chats", "methods")
    ),
    ("GET", "/api/analytics/tenants", None, ANY_KEY),
    ("GET", "/api/events", None, READER),
    ("HEAD", "/api/events/stream", None, READER),
    ("GET", "/api/events/catalog", None, READER),
    ("POST", "/api/whatif", WHAT_IF, (401, 401, 401, 404, 404, 404, 404)),
    ("GET", "/admin/system/stats", None, ADMIN),
    ("GET", "/admin/system/audit", None, ADMIN),
    ("GET", "/admin/system/rate-limiter", None, ADMIN),
    ("GET", "/admin/tenants", None, ADMIN),
    ("GET", "/admin/tenants/acme", None, ADMIN),
    ("PATCH", "/admin/tenants/acme", {"weight": 3, "reason": "pays for it"}, ADMIN),
    ("DELETE", "/admin/tenants/globex", {"reason": "it left us"}, (401, 401, 401, 403, 403, 204, 404)),
    ("GET", "/admin/tenants/acme/keys", None, ADMIN),
    ("POST", "/admin/tenants/acme/keys", {"reason": "it lost its last"}, (401, 401, 401, 403, 403, 201, 201)),
    ("DELETE", "/admin/tenants/acme/keys/nosuchkey", {"reason": "leaked"}, (401, 401, 401, 403, 403, 404, 404)),
    ("GET", "/admin/system/bot-health/summary", None, ADMIN),
    ("GET", "/admin/system/bot-health/unhealthy", None, ADMIN),
    ("GET", f"/admin/system/bot-health/{BOT_ID}", None, ADMIN),
    ("GET", "/admin/system/retention", None, ADMIN),
    ("POST", "/admin/system/retention", None, ADMIN),
    ("GET", "/admin/system/vault", None, ADMIN),
    ("POST", "/admin/system/vault/rotate", {"reason": "yearly"}, (401, 401, 401, 403, 403, 202, 202)),
    ("POST", "/admin/system/vault/retire", {"reason": "yearly"}, ADMIN),
    ("POST", "/admin/system/validate-token", {"token": TOKEN_TEXT}, ADMIN),
    ("GET", f"/admin/system/bot/{BOT_ID}/token-status", None, ADMIN),
    ("GET", "/admin/system/validate-all-tokens", None, ADMIN),
    ("POST", "/admin/system/validate-all-tokens", None, (401, 401, 401, 403, 403, 202, 202)),
    ("GET", f"/admin/system/bot-health/history/{BOT_ID}", None, ADMIN),
    ("GET", "/admin/system/bot-health/unhealthy-history", None, ADMIN),
    ("POST", "/admin/system/bot-health/persist-now", None, ADMIN),
    ("GET", "/admin/system/retry-statistics", None, ADMIN),
    ("POST", "/admin/system/retry-statistics/reset", {"reason": "a new policy"}, ADMIN),
    ("GET", "/admin/bots", None, ADMIN),
    ("PATCH", f"/admin/bots/{BOT_ID}", {"bot_rps": 5, "reason": "a flood"}, ADMIN),
    ("DELETE", f"/admin/bots/{BOT_ID}", {"reason": "abuse"}, (401, 401, 401, 403, 403, 204, 404)),
    ("POST", f"/admin/bots/{BOT_ID}/suspend", {"reason": "abuse"}, ADMIN),
    ("POST", f"/admin/bots/{BOT_ID}/resume", {"reason": "looked into"}, ADMIN),
    ("GET", "/admin/system/circuit-breakers/summary", None, ADMIN),
    ("GET", f"/admin/system/circuit-breakers/{BOT_ID}", None, ADMIN),
    ("POST", f"/admin/system/circuit-breakers/{BOT_ID}/open", {"reason": "a flood"}, ADMIN),
    ("POST", f"/admin/system/circuit-breakers/{BOT_ID}/reset", {"reason": "looked into"}, ADMIN),
    ("GET", "/admin/system/projections", None, ADMIN),
    ("POST", "/admin/system/projections/health/pause", {"reason": "a full disk"}, ADMIN),
    ("POST", "/admin/system/projections/health/resume", {}, ADMIN),
    ("POST", "/admin/system/projections/nosuch/rebuild", {"reason": "x"}, (401, 401, 401, 403, 403, 404, 404)),
    (
        "POST",
        "/admin/system/projections/health/skip",
        {"position": 3, "reason": "a known bug"},
        (401, 401, 401, 403, 403, 409, 409),
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "expected"), ROUTES, ids=[f"{r[0]} {r[1]}" for r in ROUTES])
def test_each_route_takes_its_keys_and_no_others(
    house: House, method: str, path: str, body: object, expected: tuple[int, ...]
) -> None:
    analyst = house.accounts.found("inc", "Inc", (Scope.ANALYST,)).api_key
    revoked = house.accounts.found("ex", "Ex", (Scope.TENANT,)).api_key
    del house.accounts.keys[revoked.split("_")[1]]
    mistyped = house.key[:-1] + ("0" if house.key[-1] != "0" else "1")
    keys = ("", mistyped, revoked, house.key, analyst, house.admin_key, ADMIN_TEXT)

    assert dict(zip(KEYS, expected, strict=True)) == {
        kind: house.call(method, path, body, key=key).status_code for kind, key in zip(KEYS, keys, strict=True)
    }


def test_every_route_is_in_the_table(house: House) -> None:
    served = [route for route in house.client.app.routes if isinstance(route, Route)]
    walked = {(row[0].replace("HEAD", "GET"), route_of(house, row[1]).path) for row in ROUTES}

    assert {(method, route.path) for route in served for method in methods_of(route)} == walked


def test_no_route_is_shadowed_by_another(house: House) -> None:
    """As `unhealthy-history` would be behind `{bot_id}`: whoever comes first takes what fits."""
    served = [route for route in house.client.app.routes if isinstance(route, Route)]
    addresses = {route.path: PARAMETER.sub("x", route.path) for route in served}

    assert [] == [path for path, address in addresses.items() if route_of(house, address).path != path]


OF_A_BOT = [row for row in ROUTES if row[1].startswith(f"/api/bots/{BOT_ID}")]


@pytest.mark.parametrize(("method", "path", "body", "expected"), OF_A_BOT, ids=[f"{r[0]} {r[1]}" for r in OF_A_BOT])
def test_another_tenant_s_key_finds_no_bot_where_its_owner_s_does(
    house: House, method: str, path: str, body: object, expected: tuple[int, ...]
) -> None:
    """All that a tenant may ask of others' bots is whether they exist, and the answer is no."""
    answers = [
        house.call(method, path.replace(str(BOT_ID), str(bot)), body, key=house.other_key)
        for bot in (BOT_ID, NO_BODY_S_BOT)
    ]

    assert expected[KEYS.index("tenant")] < 300
    assert [404, 404] == [answer.status_code for answer in answers]
    assert answers[0].content == answers[1].content.replace(str(NO_BODY_S_BOT).encode(), str(BOT_ID).encode())
    assert answers[0].headers == answers[1].headers


def route_of(house: House, path: str) -> Route:
    """As the router finds it."""
    routes = (route for route in house.client.app.routes if isinstance(route, Route))
    return next(route for route in routes if route.path_regex.match(path))


def methods_of(route: Route) -> tuple[str, ...]:
    return tuple(route.endpoint._handlers) if isinstance(route.endpoint, Resource) else ("POST",)  # noqa: SLF001


def test_every_operation_names_the_scopes_that_it_takes(house: House) -> None:
    enforced, named = {}, {}
    for method, path, _, expected in ROUTES:
        route = next(one for one in house.client.app.routes if isinstance(one, Route) and one.path_regex.match(path))
        operation = route.endpoint.operations["GET" if method == "HEAD" else method]
        by_kind = dict(zip(KEYS, expected, strict=True))
        asks_for_a_key = by_kind["none"] == 401 and {*expected} != {401}
        enforced[method, route.path] = {one for one in Scope if by_kind[one] != 403} if asks_for_a_key else set()
        named[method, route.path] = set() if Proof.NONE in operation.proofs else set(operation.scopes)

    # What an analyst may not there is to rotate a key that is not its own.
    enforced["POST", "/api/keys/{key_id}/rotate"].add(Scope.ANALYST)

    assert enforced == named


@pytest.mark.parametrize(
    ("key", "detail"),
    [
        ("", "Send your API key as `Authorization: Bearer blk_…`."),
        ("blk_", "The key is mistyped or cut: copy it again, whole."),
        ("x" * 513, "This is no API key: it is far too long."),
        ("\xff\xfe", "The key is mistyped or cut: copy it again, whole."),
    ],
)
def test_a_caller_without_a_valid_key_is_told_why(house: House, key: str, detail: str) -> None:
    answer = house.call("GET", "/api/bots", key="", headers={"Authorization": f"Bearer {key}".encode("latin-1")})

    assert (401, "unauthenticated", detail) == (answer.status_code, answer.json()["code"], answer.json()["detail"])
    assert "Bearer" == answer.headers["WWW-Authenticate"]


def test_a_mistyped_key_is_told_apart_from_a_revoked_one(house: House) -> None:
    cut = house.call("GET", "/api/bots", key=house.key[:-1]).json()["detail"]
    house.accounts.keys.clear()
    revoked = house.call("GET", "/api/bots").json()["detail"]

    assert ("The key is mistyped or cut: copy it again, whole.", False) == (cut, cut == revoked)


def test_another_scheme_than_bearer_is_no_key(house: House) -> None:
    answer = house.call("GET", "/api/bots", key="", headers={"Authorization": f"Basic {house.key}"})

    assert 401 == answer.status_code


def test_the_scheme_s_case_does_not_matter(house: House) -> None:
    answer = house.call("GET", "/api/bots", key="", headers={"Authorization": f"bearer {house.key}"})

    assert 200 == answer.status_code


def test_a_key_of_another_secret_with_a_known_id_opens_nothing(house: House) -> None:
    found = house.accounts.keys[house.key.split("_")[1]]
    other = house.accounts.keys[house.other_key.split("_")[1]]
    house.accounts.keys = {found.key_id: other}

    assert 401 == house.call("GET", "/api/bots").status_code


def test_a_wrong_scope_is_named(house: House) -> None:
    answer = house.call("GET", "/admin/system/stats")

    assert "This takes a key with the scope admin; yours has tenant." == answer.json()["detail"]


def test_without_an_admin_key_in_the_settings_there_is_none(build: Callable[..., House]) -> None:
    house = build(admin_key_hash=None)

    assert 401 == house.call("GET", "/admin/system/stats", key=ADMIN_TEXT).status_code


def test_an_admin_s_key_of_the_settings_may_look_like_an_api_key(build: Callable[..., House]) -> None:
    text = a_new_key(77).text
    house = build(admin_key_hash=hashlib.sha256(text.encode()).hexdigest())

    assert 200 == house.call("GET", "/admin/system/stats", key=text).status_code


def test_the_operator_has_its_name(house: House) -> None:
    house.call("GET", "/api/keys", key=ADMIN_TEXT)

    assert OPERATOR == house.accounts.asked[-1].tenant_id
