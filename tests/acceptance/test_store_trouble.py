"""The event store says no for a while: nothing leaves unrecorded, nothing told is lost, and all goes on by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.logs import Log
from tests.holding import held_by_another

ROOM = 10
"""For refusals, in a backlog twice as large."""


def send(client: httpx.Client, acme: Acme, chat: int, text: str, deadline_s: str) -> dict[str, Any]:
    path = f"/api/bots/{acme.bot_id}/commands/sendMessage"
    answer = client.post(path, json={"chat_id": chat, "text": text}, headers={"X-Deadline-S": deadline_s})
    return {**answer.json(), "http": answer.status_code}


def nothing_leaves_unrecorded(
    gateway: Gateway, sandbox: SandboxClient, trouble: Callable[[], AbstractContextManager[None]]
) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client:
        before = send(client, acme, 1, "before", "30")
        with trouble(), ThreadPoolExecutor(8) as pool:
            during = list(pool.map(lambda n: send(client, acme, 10 + n, f"during {n}", "1.5"), range(8)))
            seen = sandbox.texts(acme.bot_id)
        after = send(client, acme, 1, "after", "30")
        health = acme.health(client, at_least=after["position"])

    assert before["outcome"] == "delivered"
    assert {one["http"] for one in during} == {503}
    assert {one["code"] for one in during} == {"store_unavailable"}
    assert seen == ["before"]
    assert after["outcome"] == "delivered"
    assert sandbox.texts(acme.bot_id) == ["before", "after"]
    assert (health["successful_requests"], health["failed_requests"]) == (2, 0)
    assert health["not_sent_requests"] == 8


def test_refusals_without_end_do_not_pile_up_while_the_store_is_away(tmp_path: Path, sandbox: SandboxClient) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, MAX_BACKLOG=str(2 * ROOM)).start()
    acme = Acme(gateway, sandbox)
    with acme.client() as client, gateway.admin() as admin:
        send(client, acme, 1, "before", "30")
        client.post(f"/api/bots/{acme.bot_id}/suspend").raise_for_status()
        with held_by_another(gateway.database_url), ThreadPoolExecutor(8) as pool:
            refused = list(pool.map(lambda n: send(client, acme, n, "refused", "1"), range(100)))
        client.post(f"/api/bots/{acme.bot_id}/resume").raise_for_status()
        after = send(client, acme, 1, "after", "30")
        fleet = admin.get("/admin/system/stats").json()["fleet"]
        health = acme.health(client, at_least=after["position"])
    assert gateway.stop() == 0
    log = Log(gateway)

    # Those for which there was room wait for the disk; the others hear it at once, and leave nothing behind.
    told = Counter((one["http"], one["code"], one["outcome"], "command_id" in one) for one in refused)
    assert told == {
        (504, "delivery_unrecorded", "not_sent", True): ROOM,
        (409, "bot_suspended", "not_sent", False): 100 - ROOM,
    }
    assert fleet["refusals_left_out"] == 100 - ROOM
    assert health["not_sent_requests"] == ROOM
    # Whatever has begun has its outcome, and all that has an outcome is there once.
    assert Counter(log.outcome.values()) == {"delivered": 2, "not_sent": ROOM}
    assert log.started.keys() <= log.outcome.keys()
    assert sandbox.texts(acme.bot_id) == ["before", "after"]
    assert '"count": 90' in gateway.log.read_text()


def test_what_cannot_be_recorded_is_not_sent_and_afterwards_all_is_well(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    nothing_leaves_unrecorded(gateway, sandbox, lambda: held_by_another(gateway.database_url))


def test_an_answer_that_cannot_be_recorded_is_told_with_telegrams_result(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    sandbox.fault("latency", method="sendMessage", latency_ms=800)
    with acme.client() as client, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, client, acme, 1, "sent", "3")
        while not sandbox.stats()["in_flight"]:
            pass
        with held_by_another(gateway.database_url):
            told = sending.result()
        after = send(client, acme, 1, "after", "30")
        recorded = client.get(f"/api/commands/{told['command_id']}", params={"at_least": after["position"]}).json()

    assert (told["http"], told["code"], told["outcome"]) == (504, "delivery_unrecorded", "delivered")
    assert told["result"]["text"] == "sent"
    assert recorded["state"] == "delivered"
    assert sandbox.texts(acme.bot_id) == ["sent", "after"]


def test_telegram_stops_dead_and_comes_back(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    sandbox.fault("hang_after", method="sendMessage", times=3)
    with acme.client() as client:
        hung = [send(client, acme, chat, f"hung {chat}", "1") for chat in (1, 2, 3)]
        after = send(client, acme, 4, "after", "30")

    assert {(one["http"], one["code"]) for one in hung} == {(504, "delivery_uncertain")}
    assert after["outcome"] == "delivered"
    assert sandbox.texts(acme.bot_id) == ["hung 1", "hung 2", "hung 3", "after"]


def test_a_stop_while_the_store_is_away_leaves_nobody_without_an_answer(tmp_path: Path, sandbox: SandboxClient) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, DRAIN_S="0.1").start()
    acme = Acme(gateway, sandbox)
    sandbox.fault("latency", method="sendMessage", latency_ms=2000)
    with acme.client() as client, gateway.admin() as admin, ThreadPoolExecutor(2) as pool:
        sending = pool.submit(send, client, acme, 1, "sent", "60")
        while not sandbox.stats()["in_flight"]:
            pass
        with held_by_another(gateway.database_url):
            suspending = pool.submit(client.post, f"/api/bots/{acme.bot_id}/suspend")
            while not admin.get("/admin/system/stats").json()["fleet"]["unrecorded_s"]:
                pass
            while not sandbox.texts(acme.bot_id):
                pass
            gateway.told_to_stop()
            sent, suspended = sending.result(), suspending.result()
    assert gateway.ended() == 0
    log = Log(gateway)

    # What Telegram has said is told though nobody can write it down, and of the other it is said that nobody knows.
    assert (sent["http"], sent["code"], sent["outcome"]) == (504, "delivery_unrecorded", "delivered")
    assert (suspended.status_code, suspended.json()["code"]) == (503, "store_unavailable")
    assert "may still be made" in suspended.json()["detail"]
    # The store was back in time.
    assert log.outcome == {sent["command_id"]: "delivered"}
