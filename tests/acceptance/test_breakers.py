"""A bot's breaker, through the front door."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway

BREAKERS = "/admin/system/circuit-breakers"


@pytest.fixture
def acme(gateway: Gateway, sandbox: SandboxClient) -> Acme:
    return Acme(gateway, sandbox)


def test_five_failures_open_it_and_then_it_answers_at_once(
    acme: Acme, gateway: Gateway, sandbox: SandboxClient
) -> None:
    sandbox.fault("status", status=502, method="sendMessage", times=None)
    with acme.client() as client, gateway.admin() as admin:
        failed = [acme.send(client, chat, "x").json()["code"] for chat in range(5)]
        asked = sandbox.calls(bot_id=acme.bot_id)
        refused = acme.command(client, "getMe")
        state = admin.get(f"{BREAKERS}/{acme.bot_id}").json()
        position = int(refused.headers["botloft-position"])
        summary = admin.get(f"{BREAKERS}/summary", params={"at_least": position}).json()

    assert failed == ["delivery_uncertain"] * 5
    assert (refused.status_code, refused.json()["code"]) == (503, "breaker_open")
    assert 50 < int(refused.headers["retry-after"]) <= 60
    assert sandbox.calls(bot_id=acme.bot_id) == asked
    assert state["phase"] == "open"
    assert summary["not_closed"] == [{"bot_id": acme.bot_id, "tenant_id": acme.tenant_id, "phase": "open"}]


def test_a_tenants_mistakes_do_not_open_it(acme: Acme, sandbox: SandboxClient) -> None:
    sandbox.set_chat(5, "blocked", bot_id=acme.bot_id)
    with acme.client() as client:
        refused = [acme.send(client, 5, "x").json()["code"] for _ in range(10)]
        other = acme.send(client, 6, "x")

    assert refused == ["telegram_rejected"] * 10
    assert other.json()["outcome"] == "delivered"


def test_an_admin_forces_it_open_and_resets_it_with_a_reason(acme: Acme, gateway: Gateway) -> None:
    path = f"{BREAKERS}/{acme.bot_id}"
    with acme.client() as client, gateway.admin() as admin:
        without_reason = admin.post(f"{path}/open", json={"reason": " "})
        forced = admin.post(f"{path}/open", json={"reason": "a flood of complaints"})
        refused = acme.command(client, "getMe")
        gateway.kill()
        gateway.start()
    with acme.client() as client, gateway.admin() as admin:
        still_refused = acme.command(client, "getMe")
        reset = admin.post(f"{path}/reset", json={"reason": "looked into"})
        delivered = acme.command(client, "getMe")
        by_tenant = client.post(f"{path}/reset", json={"reason": "mine"})

    assert without_reason.status_code == 400
    assert (forced.status_code, forced.json()["phase"]) == (200, "forced_open")
    assert (refused.status_code, refused.json()["code"]) == (503, "breaker_open")
    assert still_refused.json()["code"] == "breaker_open"
    assert (reset.status_code, reset.json()["phase"]) == (200, "closed")
    assert delivered.json()["outcome"] == "delivered"
    assert by_tenant.status_code == 403


def test_what_an_admin_forced_open_its_tenant_is_not_rid_of_by_removing_and_registering_the_bot(
    acme: Acme, gateway: Gateway
) -> None:
    path, bot = f"{BREAKERS}/{acme.bot_id}", f"/api/bots/{acme.bot_id}"
    with acme.client() as client, gateway.admin() as admin:
        admin.post(f"{path}/open", json={"reason": "a flood of complaints"}).raise_for_status()
        client.delete(bot).raise_for_status()
        nobodys = admin.get(path)
        registered = client.post("/api/bots", json={"token": acme.token}).raise_for_status()
        position = int(registered.headers["botloft-position"])
        said = _said(acme, client, admin, position)
        gateway.kill()
        gateway.start()
    with acme.client() as client, gateway.admin() as admin:
        said_again = _said(acme, client, admin, position)
        admin.post(f"{path}/reset", json={"reason": "looked into"}).raise_for_status()
        delivered = acme.command(client, "getMe")

    assert nobodys.status_code == 404
    assert said == ("forced_open", ["forced_open"], "forced_open", ["breaker"], "breaker_open")
    assert said == said_again
    assert delivered.json()["outcome"] == "delivered"


def _said(acme: Acme, client: httpx.Client, admin: httpx.Client, position: int) -> tuple[object, ...]:
    """By all who say something of a bot's breaker, and by what becomes of a command."""
    of_this = {"at_least": position}
    summary = admin.get(f"{BREAKERS}/summary", params=of_this).json()["not_closed"]
    incidents = client.get(f"/api/bots/{acme.bot_id}/history", params=of_this).json()["incidents"]
    return (
        admin.get(f"{BREAKERS}/{acme.bot_id}").json()["phase"],
        [one["phase"] for one in summary],
        acme.health(client, position)["breaker"],
        [one["kind"] for one in incidents if one["end"] is None],
        acme.command(client, "getMe").json().get("code"),
    )


def test_with_fifty_waiting_at_half_open_one_probe_is_out_at_a_time(tmp_path: Path, sandbox: SandboxClient) -> None:
    settings = {**FAST, "BREAKER_COOLDOWN_S": "1", "BREAKER_FAILURES": "1"}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **settings).start()
    try:
        acme = Acme(gateway, sandbox)
        sandbox.fault("status", status=502, method="sendMessage")
        sandbox.fault("latency", latency_ms=400, method="getMe", times=None)
        with acme.client() as client, gateway.admin() as admin, ThreadPoolExecutor(50) as pool:
            opened = acme.send(client, 1, "x").json()["code"]
            until = admin.get(f"{BREAKERS}/{acme.bot_id}").json()["open_until"]
            while datetime.now(UTC) < datetime.fromisoformat(until):
                pass
            sandbox.clear_calls()
            outcomes = list(pool.map(lambda _: acme.command(client, "getMe").json().get("outcome"), range(50)))
            closed = admin.get(f"{BREAKERS}/{acme.bot_id}").json()["phase"]
        first, second, third = (call["at"] for call in sandbox.calls(bot_id=acme.bot_id, method="getMe")[:3])
    finally:
        gateway.stop()

    assert opened == "delivery_uncertain"
    assert outcomes == ["delivered"] * 50
    assert closed == "closed"
    assert second - first >= 0.4
    assert third - second >= 0.4
