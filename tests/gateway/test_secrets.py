"""Nothing that is a secret is in an answer or in a log line, except a key in the one answer that makes it."""

from __future__ import annotations

import re

import httpx
from rich.pretty import pretty_repr
from starlette.routing import Route
from structlog.testing import capture_logs

from gateway.routes.login import Credentials
from tests.acceptance.secrecy import ASKS
from tests.examples import BOT_ID, TOKEN_TEXT
from tests.gateway.fakes import ADMIN_TEXT, House


def test_no_answer_and_no_log_line_holds_a_token_or_a_key(house: House) -> None:
    with capture_logs() as lines:
        told = [f"{answer.text} {answer.headers}" for answer in everything_that_a_secret_was_put_into(house)]

    for secret in (TOKEN_TEXT, TOKEN_TEXT.partition(":")[2], house.key, house.admin_key, ADMIN_TEXT):
        assert [] == [text for text in told if secret in text]
        assert secret not in str(lines)
    assert [] == [text for text in told if house.key[:40] in text]


def test_what_is_shown_by_accident_shows_no_secret(house: House) -> None:
    login = Credentials(house.key)

    for shown in (
        repr(login),
        str(login),
        pretty_repr(login),
        repr(house.doors.options),
        pretty_repr(house.doors.options),
    ):
        assert house.key not in shown
        assert house.doors.options.session_keys[0].decode() not in shown


def everything_that_a_secret_was_put_into(house: House) -> list[httpx.Response]:
    token, key = TOKEN_TEXT, house.key
    sending = f"/api/bots/{BOT_ID}/commands"
    answers = [
        house.call("POST", "/api/bots", {"token": token}),
        house.call("POST", "/api/bots", {"token": token + "!"}),
        house.call("POST", "/api/bots", {"token": [token]}),
        house.call("POST", "/api/bots", {token: token}),
        house.call("POST", "/api/bots", content=token),
        house.call("PUT", f"/api/bots/{BOT_ID}/token", {"token": token}),
        house.call("PUT", f"/api/bots/{BOT_ID}/token", {"token": token + "!"}),
        house.call("PUT", f"/api/bots/{BOT_ID}/token", {"token": token[1:]}),
        house.call("POST", f"/api/bots/{BOT_ID}/verify", {"chat_id": token, "text": key}),
        house.call("POST", f"/api/bots/{BOT_ID}/verify", {"chat_id": token}),
        house.call("POST", "/admin/system/validate-token", {"token": token}, key=house.admin_key),
        house.call("POST", "/admin/system/validate-token", {"token": token + "!"}, key=house.admin_key),
        house.call("POST", "/admin/system/validate-token", {token: 1}, key=house.admin_key),
        house.call("GET", "/api/bots"),
        house.call("GET", "/api/bots", key=key + "0"),
        house.call("GET", "/api/bots", params={"at_least": token}),
        house.call("GET", f"/api/bots/{token}"),
        house.call("POST", f"{sending}/{token}", {}),
        house.call("POST", f"{sending}/{key}", {}),
        house.call("POST", f"{sending}/sendMessage", {"chat_id": 1, "text": "x", key: 1}),
        house.call("POST", f"{sending}/sendMessage", {"chat_id": token, "text": key}),
        house.call("POST", f"{sending}/sendMessage", {"chat_id": 1, "text": 7, token: key}),
        house.call("POST", f"{sending}/sendMessage", {"chat_id": 1, "text": "x", "parse_mode": [token]}),
        house.send(headers={"X-Deadline-S": key, "Idempotency-Key": token}),
        house.call("GET", sending),
        house.call("GET", f"/api/commands/{token}"),
        house.call("POST", f"/api/bots/{BOT_ID}/suspend", {"reason": token}),
        house.call("GET", f"/api/bots/{BOT_ID}"),
        house.call("POST", "/api/keys", {"label": token}),
        house.call("POST", "/api/keys", {"scopes": [token]}),
        house.call("GET", "/api/keys"),
        house.call("DELETE", f"/api/keys/{key}"),
        house.call("POST", "/auth/register", {"name": token}, key=""),
        house.call("GET", "/admin/system/stats", key=house.admin_key),
        house.call("GET", "/admin/system/stats", key=ADMIN_TEXT),
        house.call("GET", f"/problems/{token}"),
        house.call("GET", f"/{token}"),
    ]
    answers += [
        house.call("POST", "/auth/login", {"api_key": key}, key=""),
        house.call("POST", "/auth/login", {"api_key": key + "0"}, key=""),
        house.call("POST", "/auth/login", {"api_key": [key]}, key=""),
        house.call("POST", "/auth/login", {"api_key": ADMIN_TEXT}, key=""),
        house.call("POST", "/auth/login", {key: key}, key=""),
        house.call("POST", "/auth/login", content=key, key=""),
        house.call("GET", "/auth/session", key="", headers={"Cookie": f"botloft_session={key}"}),
        house.call("POST", "/api/keys", {"expires_at": key}),
        house.call("POST", f"/api/keys/{key}/rotate", {}),
        house.call("POST", "/api/keys/key999999999/rotate", {key: token}),
    ]
    house.fleet.says = RuntimeError(f"{token} {key}")
    return [
        *answers,
        house.send(),
        house.call("POST", f"/api/bots/{BOT_ID}/resume"),
        house.call("GET", "/health/ready"),
    ]


def test_every_route_that_names_a_thing_is_asked_about_another_tenant_s(house: House) -> None:
    """`tests/acceptance/test_secrecy.py` compares the answers. What is under /admin is no tenant's to ask."""
    asked = [re.sub(r"[?].*|[<>]", "", ask.path) for ask in ASKS]
    routes = [route for route in house.client.app.routes if isinstance(route, Route)]
    naming = {
        route.path for route in routes if "{" in route.path and not route.path.startswith(("/admin/", "/problems/"))
    }
    first = [next(route.path for route in routes if route.path_regex.match(path)) for path in asked]

    assert set() == naming - set(first)
