"""Bad input: a clear problem, and nothing changed."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway

MEGABYTE = 1024 * 1024


@pytest.fixture
def acme(gateway: Gateway, sandbox: SandboxClient) -> Acme:
    return Acme(gateway, sandbox)


def head_position(gateway: Gateway) -> int:
    with gateway.admin() as admin:
        return max(state["position"] for state in admin.get("/admin/system/stats").json()["projections"])


CASES: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/api/bots/{bot}/commands/sendMessage", b'{"chat_id": 5, "text": ', 400, "invalid_request"),
    ("POST", "/api/bots/{bot}/commands/sendMessage", b"[1, 2]", 400, "invalid_request"),
    ("POST", "/api/bots/{bot}/commands/sendMessage", b"[" * 100_000, 400, "invalid_request"),
    ("POST", "/api/bots/{bot}/commands/sendMessage", b"\xff\xfe", 400, "invalid_request"),
    ("POST", "/api/bots/{bot}/commands/sendMessage", b'{"chat_id": 5}', 400, "invalid_request"),
    ("POST", "/api/bots/{bot}/commands/sendMessage", b'{"chat_id": [5], "text": "x"}', 400, "invalid_request"),
    ("POST", "/api/bots/{bot}/commands/sendMesage", b"{}", 404, "unknown_method"),
    ("POST", "/api/bots/{bot}/commands/setWebhook", b"{}", 422, "method_refused"),
    ("POST", "/api/bots", b'{"token": "not a token"}', 422, "token_format"),
    ("POST", "/api/bots", b'{"token": 5}', 400, "invalid_request"),
    ("POST", "/api/bots", b'{"token": "123456:AAabcdefghijklmnopqrstuvwxyz0123456"}', 409, "token_unauthorized"),
    ("POST", "/api/bots", b"{}", 400, "invalid_request"),
    ("POST", "/api/bots/abc/commands/getMe", b"{}", 404, "not_found"),
    ("POST", "/api/keys", b'{"scopes": ["admin"]}', 403, "forbidden"),
    ("GET", "/no/such/route", None, 404, "not_found"),
    ("PUT", "/api/bots", None, 405, "method_not_allowed"),
]


def test_each_is_told_what_is_wrong_and_nothing_is_recorded(
    gateway: Gateway, sandbox: SandboxClient, acme: Acme
) -> None:
    before, calls = head_position(gateway), len(sandbox.calls(bot_id=acme.bot_id))
    with acme.client() as client:
        for method, path, body, status, code in CASES:
            answer = client.request(method, path.format(bot=acme.bot_id), content=body)
            problem = answer.json()

            assert (answer.status_code, problem["code"]) == (status, code), (path, body)
            assert answer.headers["content-type"] == "application/problem+json"
            assert problem["status"] == status
            assert len(problem["detail"]) > 10
            assert client.get(problem["type"]).status_code == 200

    assert head_position(gateway) == before
    assert len(sandbox.calls(bot_id=acme.bot_id)) == calls


def test_a_token_that_cannot_be_checked_is_not_registered(sandbox: SandboxClient, acme: Acme) -> None:
    bot = sandbox.add_bot()
    sandbox.fault("close_before", bot_id=bot.bot_id, times=None)
    with acme.client() as client:
        refused = client.post("/api/bots", json={"token": bot.token})
        listed = [one["bot_id"] for one in client.get("/api/bots").json()["bots"]]
        sandbox.clear_faults()
        again = client.post("/api/bots", json={"token": bot.token})

    assert (refused.status_code, refused.json()["code"]) == (503, "token_unreachable")
    assert listed == [acme.bot_id]
    assert again.status_code == 201


def test_a_bot_registered_twice_is_a_conflict(gateway: Gateway, acme: Acme) -> None:
    before = head_position(gateway)
    with acme.client() as client:
        again = client.post("/api/bots", json={"token": acme.token})

    assert (again.status_code, again.json()["code"]) == (409, "bot_exists")
    assert head_position(gateway) == before


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_100_mb_is_refused_without_being_read(acme: Acme, gateway: Gateway, *, declared: bool) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += MEGABYTE
            yield b"x" * MEGABYTE

    address = urlsplit(gateway.base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    headers = {"Authorization": f"Bearer {acme.key}"}
    if declared:
        headers["Content-Length"] = str(100 * MEGABYTE)
    try:
        try:
            path = f"/api/bots/{acme.bot_id}/commands/sendMessage"
            connection.request("POST", path, body=chunks(), headers=headers, encode_chunked=not declared)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it hung up on us while we were sending, as it may
        else:
            assert connection.getresponse().status == 413
    finally:
        connection.close()
    with acme.client() as client:
        alive = acme.command(client, "getMe")

    assert sent < 100 * MEGABYTE
    assert alive.json()["outcome"] == "delivered"
