"""Keys and sessions as their owners meet them: over HTTP, while the clock goes on and the gateway is started again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme
from tests.acceptance.load import until
from tests.acceptance.moved_gateway import MovedGateway, Wall

HOUR_S, DAY_S = 3600, 86_400


@pytest.fixture
def gateway(tmp_path: Path, sandbox: SandboxClient) -> Iterator[MovedGateway]:
    gateway = MovedGateway(tmp_path / "state", sandbox.base_url)
    gateway.wall = Wall(tmp_path)
    yield gateway.start()
    if gateway.is_running:
        assert 0 == gateway.stop()


def asked(gateway: MovedGateway, key: str, method: str = "GET", path: str = "/api/keys", body: object = None) -> Any:
    with gateway.client(key) as client:
        return client.request(method, path, json=body)


def made(gateway: MovedGateway, key: str, path: str, **body: object) -> dict[str, Any]:
    return dict(asked(gateway, key, "POST", path, body).raise_for_status().json())


def opens(gateway: MovedGateway, key: str) -> bool:
    return bool(asked(gateway, key).is_success)


def test_keys_expire_overlap_and_end_and_a_session_opens_what_its_key_opens(gateway: MovedGateway) -> None:
    registered = made(gateway, "", "/auth/register", name="Acme")
    first: str = registered["api_key"]
    brief, gone, public = (made(gateway, first, "/api/keys", expires_in_s=HOUR_S * n) for n in (1, 100, 100))
    second = made(gateway, first, f"/api/keys/{first.split('_')[1]}/rotate", overlap_s=DAY_S)
    with gateway.client() as browser:
        login = browser.post("/auth/login", json={"api_key": second["api_key"]})
        token, cookies = login.json()["csrf_token"], dict(browser.cookies)
        statuses = [
            browser.get("/api/bots").status_code,
            browser.post("/api/keys", json={}).status_code,
            browser.post("/api/keys", json={}, headers=page(token, "https://evil.example")).status_code,
            browser.post("/api/keys", json={}, headers=page(token, gateway.base_url)).status_code,
        ]

    assert [200, 403, 403, 201] == statuses
    assert "csrf" == asked_by(cookies, gateway, "POST", "/api/keys").json()["code"]
    assert all(word in login.headers["Set-Cookie"] for word in ("HttpOnly", "SameSite=strict", "Max-Age=43200"))

    with gateway.client() as browser:
        browser.post("/auth/login", json={"api_key": gone["api_key"]}).raise_for_status()
        asked(gateway, second["api_key"], "DELETE", f"/api/keys/{gone['key_id']}").raise_for_status()
        after_revoking = browser.get("/api/bots").status_code
        again = browser.post("/auth/login", json={"api_key": public["api_key"]}).json()
        stolen = dict(browser.cookies)
        logout = browser.post("/auth/logout", headers=page(again["csrf_token"], gateway.base_url))

    assert (401, 204) == (after_revoking, logout.status_code)

    assert 0 == gateway.stop()
    listed = gateway.says("keys", "list", registered["tenant_id"]).stdout.splitlines()

    assert 5 == len(listed)
    assert (first.split("_")[1], True, True) == (listed[0][:12], "expires 20" in listed[0], "used 20" in listed[0])
    assert "used never" in next(line for line in listed if brief["key_id"] in line)

    gateway.start()
    keys = {key["key_id"]: key for key in asked(gateway, second["api_key"]).json()["keys"]}

    assert token == asked_by(cookies, gateway, "GET", "/auth/session").json()["csrf_token"]
    assert 401 == asked_by(stolen, gateway, "GET", "/auth/session").status_code
    assert all(keys[key_id]["last_used_at"] for key_id in (first.split("_")[1], public["key_id"]))
    assert None is keys[brief["key_id"]]["last_used_at"]

    gateway.wall.is_set(f"+{HOUR_S + 5}")
    until(lambda: not opens(gateway, brief["api_key"]))

    assert "This key has expired" in asked(gateway, brief["api_key"]).json()["detail"]
    assert opens(gateway, first)
    assert asked_by(cookies, gateway, "GET", "/api/bots").is_success

    gateway.wall.is_set(f"+{DAY_S + 5}")
    until(lambda: not opens(gateway, first))

    assert opens(gateway, second["api_key"])
    assert 401 == asked_by(cookies, gateway, "GET", "/api/bots").status_code

    told = [first, *(key["api_key"] for key in (brief, gone, public, second))]
    secrets = [*(key.split("_")[2] for key in told), *cookies.values(), *stolen.values(), token]
    files = [path for path in gateway.state_dir.rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in [*files, gateway.log])

    assert [] == [secret[:8] for secret in secrets if secret.encode() in content]


def test_a_tenant_whose_only_key_has_expired_goes_on_with_one_from_the_operator_while_the_gateway_runs(
    gateway: MovedGateway, sandbox: SandboxClient
) -> None:
    acme, keys = Acme(gateway, sandbox), "/api/keys"
    brief = made(gateway, acme.key, keys, expires_in_s=HOUR_S)
    asked(gateway, brief["api_key"], "DELETE", f"{keys}/{acme.key.split('_')[1]}").raise_for_status()
    gateway.wall.is_set(f"+{HOUR_S + 5}")
    until(lambda: not opens(gateway, brief["api_key"]))
    refused = asked(gateway, brief["api_key"], "POST", keys, {})
    theirs = f"/admin/tenants/{acme.tenant_id}/keys"
    listed = asked(gateway, gateway.admin_key, path=theirs).json()["keys"]
    new = made(gateway, gateway.admin_key, theirs, label="by phone", reason="its last has expired")
    acme.key = new["api_key"]
    with acme.client() as client:
        sent = acme.send(client, 5, "back again").raise_for_status().json()
        until(lambda: len(told_to(client)) == 1)
        notices = told_to(client)
    acts = asked(gateway, gateway.admin_key, path="/admin/system/audit").json()["acts"]

    assert (401, "This key has expired. Make another with POST /api/keys, or ask the operator for one.") == (
        refused.status_code,
        refused.json()["detail"],
    )
    assert [brief["key_id"]] == [key["key_id"] for key in listed]
    assert ("delivered", "back again") == (sent["outcome"], sent["result"]["text"])
    assert [("key_issued", new["key_id"])] == [(one["kind"], one["detail"].split()[6]) for one in notices]
    assert ("key.issue", f"{acme.tenant_id}: by phone", "its last has expired") == (
        acts[0]["action"],
        acts[0]["target"],
        acts[0]["reason"],
    )

    spare = made(gateway, gateway.admin_key, theirs, reason="the other one leaked")
    leaked = asked(gateway, gateway.admin_key, "DELETE", f"{theirs}/{new['key_id']}?reason=it%20leaked")

    assert 204 == leaked.status_code
    assert [False, True] == [opens(gateway, key["api_key"]) for key in (new, spare)]
    shown = b"".join(path.read_bytes() for path in [*gateway.state_dir.rglob("*"), gateway.log] if path.is_file())
    assert [] == [key for key in (new, spare) if key["api_key"].split("_")[2].encode() in shown]


def told_to(client: httpx.Client) -> list[dict[str, Any]]:
    return list(client.get("/api/notices").raise_for_status().json()["notices"])


def page(token: str, origin: str) -> dict[str, str]:
    return {"X-CSRF-Token": token, "Origin": origin}


def asked_by(cookies: dict[str, str], gateway: MovedGateway, method: str, path: str) -> httpx.Response:
    """By a browser that has these."""
    with httpx.Client(base_url=gateway.base_url, cookies=cookies, timeout=60, trust_env=False) as client:
        return client.request(method, path, json={} if method == "POST" else None)
