"""Bots that nobody commands sleep; the next command wakes them."""

from __future__ import annotations

from pathlib import Path

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway


def awake(gateway: Gateway) -> int:
    with gateway.admin() as admin:
        return int(admin.get("/admin/system/stats").raise_for_status().json()["fleet"]["awake"])


def test_an_idle_bot_falls_asleep_and_works_at_the_next_command(tmp_path: Path, sandbox: SandboxClient) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, IDLE_TIMEOUT_S="0.3", **FAST).start()
    try:
        acme = Acme(gateway, sandbox)
        with acme.client() as client:
            first = acme.send(client, 5, "awake").json()
            while awake(gateway):
                pass
            second = acme.send(client, 5, "awake again").json()
    finally:
        code = gateway.stop()

    assert (first["outcome"], second["outcome"], code) == ("delivered", "delivered", 0)
    assert sandbox.texts(acme.bot_id) == ["awake", "awake again"]


def test_a_hold_is_obeyed_to_the_end_however_soon_bots_sleep(tmp_path: Path, sandbox: SandboxClient) -> None:
    settings = {**FAST, "IDLE_TIMEOUT_S": "0.2", "BOT_RPS": "1"}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **settings).start()
    try:
        acme = Acme(gateway, sandbox)
        sandbox.fault("flood", method="sendMessage", retry_after=2)
        with acme.client() as client:
            sent = acme.send(client, 5, "held").json()
        held_s = sent["queue_ms"] / 1000
        waited = [call["at"] for call in sandbox.calls(bot_id=acme.bot_id, method="sendMessage")]
    finally:
        gateway.stop()

    assert sent["outcome"] == "delivered"
    assert waited[1] - waited[0] >= 2
    assert held_s < 1


def test_beyond_the_bound_those_used_least_lately_sleep(tmp_path: Path, sandbox: SandboxClient) -> None:
    settings = {**FAST, "MAX_ACTIVE_BOTS": "1", "IDLE_TIMEOUT_S": "2"}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **settings).start()
    try:
        tenants = [Acme(gateway, sandbox, f"Tenant {number}") for number in range(3)]
        while awake(gateway) > 1:
            pass
        outcomes = []
        for tenant in tenants:
            with tenant.client() as client:
                outcomes.append(tenant.send(client, 5, "x").json()["outcome"])
    finally:
        gateway.stop()

    assert outcomes == ["delivered"] * 3
