"""`kill -9` in the middle of traffic: what was told is true, and what nobody could know is `uncertain`."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway

CALLERS = 8
ROUNDS = 3
TOLD_BEFORE_THE_KILL = 60


def told_until_killed(gateway: Gateway, acme: Acme, name: str) -> list[dict[str, Any]]:
    """What callers were told while the gateway was killed under them; each text is sent once."""
    told: list[dict[str, Any]] = []
    enough = threading.Event()

    def call(caller: int) -> None:
        with acme.client() as client:
            for n in range(10_000):
                try:
                    answer = acme.send(client, 1000 + caller, f"{name}-{caller}-{n}")
                except httpx.TransportError:
                    return
                told.append(answer.json())
                if len(told) >= TOLD_BEFORE_THE_KILL:
                    enough.set()

    with ThreadPoolExecutor(CALLERS) as pool:
        calling = [pool.submit(call, caller) for caller in range(CALLERS)]
        assert enough.wait(60)
        gateway.kill()
        for done in calling:
            done.result()
    return told


def all_commands(client: httpx.Client, acme: Acme) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        before = {"before": found[-1]["command_id"]} if found else {}
        answer = client.get(f"/api/bots/{acme.bot_id}/commands", params={"limit": 100, **before}).raise_for_status()
        page = answer.json()["commands"]
        if not page:
            return found
        found += page


def test_after_kill_9_every_told_outcome_is_there_and_every_message_has_a_command(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    told: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        told += told_until_killed(gateway, acme, f"round{number}")
        gateway.start()
    with acme.client() as client, gateway.admin() as admin:
        last = acme.send(client, 1, "the last one").raise_for_status().json()
        told.append(last)
        health = acme.health(client, at_least=last["position"])
        recorded = {command["command_id"]: command["state"] for command in all_commands(client, acme)}
        stats = admin.get("/admin/system/stats").raise_for_status().json()

    states = Counter(recorded.values())
    # Each was told, or the caller was cut off; what was told is what is recorded.
    assert {one["command_id"]: one["outcome"] for one in told}.items() <= recorded.items()
    # One message per command that was or may have been executed, none twice.
    texts = sandbox.texts(acme.bot_id)
    assert len(set(texts)) == len(texts)
    assert states["delivered"] <= len(texts) <= states["delivered"] + states["uncertain"]
    assert health["total_requests"] == states["delivered"] + states["uncertain"] + states["rejected"]
    assert health["uncertain_requests"] == states["uncertain"]
    assert states["open"] == 0
    assert stats["fleet"]["open_commands"] == 0


def test_tenants_keys_and_bots_are_there_again_after_kill_9(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client:
        before = client.get("/api/bots").json()
    gateway.kill()
    gateway.start()
    with acme.client() as client:
        after = client.get("/api/bots").json()
        answer = acme.send(client, 5, "without entering the token again")

    assert before == after
    assert answer.json()["outcome"] == "delivered"


def test_a_stop_lets_commands_in_flight_finish_and_ends_well(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    sandbox.fault("latency", latency_ms=1500, method="sendMessage")
    with acme.client() as client, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(acme.send, client, 5, "in flight")
        while not sandbox.stats()["in_flight"]:
            pass
        code = gateway.stop()
        answer = sending.result()

    assert code == 0
    assert answer.json()["outcome"] == "delivered"
    assert sandbox.texts(acme.bot_id) == ["in flight"]
