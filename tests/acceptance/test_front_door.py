"""What every answer carries through a real server, and what an admin's acts leave behind in a real log."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import httpx

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway

NO_BOT = 7_999_999_999
GUARDS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}
CLOSED = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'", "cache-control": "no-store"}
OVER_TLS = "strict-transport-security"


def carried(answer: httpx.Response, expected: dict[str, str]) -> dict[str, list[str]]:
    """Each exactly once."""
    return {name: answer.headers.get_list(name) for name in expected}


def test_every_answer_carries_what_guards_browsers(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client, gateway.client() as anyone:
        answers = [
            acme.send(client, 1, "hello"),
            acme.command(client, "nosuchMethod"),
            client.get("/api/bots"),
            client.get("/api/events"),
            client.head("/api/events/stream"),
            client.delete(f"/api/bots/{acme.bot_id}"),
            client.options("/api/bots"),
            client.put("/api/bots"),
            anyone.get("/api/bots"),
            anyone.get("/nowhere"),
            anyone.get("/health/ready"),
            anyone.get("/problems/internal"),
            anyone.post("/webhook/nosuchpath", content=b"{}"),
            anyone.post("/auth/register", content=b"x" * 2_000_000),
        ]

    assert {200, 204, 401, 404, 405, 413} == {answer.status_code for answer in answers}
    for answer in answers:
        for expected in (GUARDS, CLOSED):
            assert {name: [value] for name, value in expected.items()} == carried(answer, expected), answer.request.url
        assert OVER_TLS not in answer.headers
    assert all(f"{name}: {value}".encode() in nonsense(gateway) for name, value in GUARDS.items())


def nonsense(gateway: Gateway) -> bytes:
    """The server's own answer to what is no HTTP."""
    url = httpx.URL(gateway.base_url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        return connection.makefile("rb").read()


def test_behind_tls_browsers_are_told_to_stay_there_and_named_pages_may_call(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    page = "https://console.example.com"
    behind_tls = {"PUBLIC_URL": "https://bots.example.com", "CORS_ORIGINS": page}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, **behind_tls).start()
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    with gateway.client() as anyone:
        answer = anyone.get("/health/live", headers={"Origin": page})
        preflight = anyone.options("/api/bots", headers={"Origin": page, **wanted})
    assert gateway.stop() == 0

    assert ["max-age=31536000"] == answer.headers.get_list(OVER_TLS)
    assert [page, page] == [one.headers["access-control-allow-origin"] for one in (answer, preflight)]
    assert {name: [value] for name, value in GUARDS.items()} == carried(preflight, GUARDS)


def test_an_admin_s_acts_are_on_record_whoever_asks_for_them_and_over_a_crash(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    with gateway.admin() as admin:
        admin.post(f"/admin/bots/{acme.bot_id}/suspend", json={"reason": "abuse"}).raise_for_status()
        unknown = admin.post(f"/admin/bots/{NO_BOT}/suspend", json={"reason": "abuse"})
        nameless = admin.post(f"/admin/bots/{acme.bot_id}/resume", json={})
        made = admin.post("/api/keys", json={"label": "night shift"}).json()
    with gateway.client(made["api_key"]) as another:
        another.post(f"/admin/bots/{acme.bot_id}/resume", json={"reason": "looked into"}).raise_for_status()
    paused = said(gateway, "projections", "pause", "usage", "--reason", "a full disk")
    gateway.kill()
    offline = gateway.says("keys", "revoke", made["key_id"])
    gateway.start()
    with gateway.admin() as admin:
        acts = admin.get("/admin/system/audit").json()["acts"]
        streamed = admin.get("/api/events", params={"topics": "admin-acted"}).text
        with admin.stream("GET", "/api/events/stream", params={"topics": "admin-acted", "after": "0"}) as live:
            followed = next(line for line in live.iter_lines() if line.startswith("data:"))

    assert (404, 400, 0) == (unknown.status_code, nameless.status_code, paused.returncode), paused.stderr
    # The last key of the operator's cannot be taken back.
    assert 1 == offline.returncode
    assert [
        ("key.revoke", made["key_id"], "command line", "this machine", "none given", "invalid_request"),
        ("projection.pause", "usage", "settings", "127.0.0.1", "a full disk", None),
        ("bot.resume", str(acme.bot_id), made["key_id"], "127.0.0.1", "looked into", None),
        ("key.issue", "night shift (admin)", "settings", "127.0.0.1", "none given", None),
        ("bot.suspend", str(NO_BOT), "settings", "127.0.0.1", "abuse", "not_found"),
        ("bot.suspend", str(acme.bot_id), "settings", "127.0.0.1", "abuse", None),
    ] == [tuple(act[name] for name in ("action", "target", "by", "client", "reason", "refused")) for act in acts]
    assert len(acts) == streamed.count('"client":')
    assert '"client":"127.0.0.1"' in followed


def said(gateway: Gateway, *words: str) -> subprocess.CompletedProcess[str]:
    return gateway.says(*words, "--url", gateway.base_url)
