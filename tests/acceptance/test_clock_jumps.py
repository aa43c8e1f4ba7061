"""Somebody sets the machine's clock while the gateway runs: nothing waits longer or shorter, and nothing goes twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme
from tests.acceptance.load import Load, until
from tests.acceptance.logs import Log
from tests.acceptance.moved_gateway import MovedGateway, Wall

HOLD_S, COOLDOWN_S, DEADLINE_S = 2, 2, 2
LATE_S = 15
"""On a busy machine, and nothing beside an hour."""


@pytest.fixture
def gateway(tmp_path: Path, sandbox: SandboxClient) -> Iterator[MovedGateway]:
    gateway = MovedGateway(tmp_path / "state", sandbox.base_url, **FAST, BREAKER_COOLDOWN_S=str(COOLDOWN_S))
    gateway.wall = Wall(tmp_path)
    gateway.start()
    yield gateway
    if gateway.is_running:
        assert gateway.stop() == 0


def send(client: httpx.Client, acme: Acme, chat: int, text: str, **headers: str) -> httpx.Response:
    path = f"/api/bots/{acme.bot_id}/commands/sendMessage"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, json={"chat_id": chat, "text": text}, headers=named)


def calls_at(sandbox: SandboxClient, acme: Acme, chat: int | None = None) -> list[float]:
    calls = sandbox.calls(bot_id=acme.bot_id, method="sendMessage")
    return [call["at"] for call in calls if chat is None or call["chat_id"] == chat]


def is_held(client: httpx.Client, acme: Acme, sandbox: SandboxClient, chat: int) -> str:
    """Of a chat that Telegram has just held: the id of the command that waits behind the one that was told so."""
    sandbox.fault("flood", bot_id=acme.bot_id, chat_id=chat, retry_after=HOLD_S)
    first, second = (
        send(client, acme, chat, text, Prefer="respond-async").raise_for_status().json()["command_id"]
        for text in ("told to wait", "waits behind it")
    )
    until(lambda: "429" in client.get(f"/api/commands/{first}").text)
    return str(second)


def is_open(client: httpx.Client, acme: Acme, sandbox: SandboxClient) -> str:
    """Of a bot whose breaker has just opened: the id of the command that waits."""
    sandbox.fault("status", status=502, bot_id=acme.bot_id, method="sendMessage", times=5)
    failed = [send(client, acme, chat, "fails").json()["code"] for chat in range(5)]
    assert failed == ["delivery_uncertain"] * 5
    accepted = send(client, acme, 9, "patient", Prefer="respond-async").raise_for_status().json()
    return str(accepted["command_id"])


def state(client: httpx.Client, command_id: str) -> str:
    return str(client.get(f"/api/commands/{command_id}").json().get("state", ""))


def wait_s(client: httpx.Client, command_id: str) -> float:
    told = client.get(f"/api/commands/{command_id}").raise_for_status().json()
    assert told["state"] == "delivered"
    return float(told["queue_ms"]) / 1000


@pytest.mark.parametrize("jump", ["+1d", "-1h"])
def test_what_waits_waits_as_long_as_it_would_have_and_ends_once(
    gateway: MovedGateway, sandbox: SandboxClient, jump: str
) -> None:
    acme, slowed, broken = (Acme(gateway, sandbox, name) for name in ("Acme", "Slowed", "Broken"))
    load = Load(acme)
    with acme.client() as client, slowed.client() as third, broken.client() as other, gateway.admin() as admin:
        with load.going_on():
            until(lambda: len(load.told) > 10)
            keyed = send(client, acme, 7, "once", Idempotency_Key="order-1").raise_for_status()
            held, patient = is_held(third, slowed, sandbox, 5), is_open(other, broken, sandbox)
            sandbox.fault("hang_after", bot_id=acme.bot_id, chat_id=6)
            gateway.wall.is_set(jump)
            since = time.monotonic()
            late = send(client, acme, 6, "no answer", X_Deadline_S=str(DEADLINE_S))
            late_s = time.monotonic() - since
            again = send(client, acme, 7, "once", Idempotency_Key="order-1")
            until(lambda: state(third, held) == "delivered" and state(other, patient) == "delivered")
            there = send(client, acme, 7, "twice", Idempotency_Key="order-2").raise_for_status()
            gateway.wall.is_set("+0")
            back = send(client, acme, 7, "twice", Idempotency_Key="order-2")
            before = len(load.told)
            until(lambda: len(load.told) > before + 10)
        until(lambda: admin.get("/admin/system/stats").json()["fleet"]["open_commands"] == 0)
        ready = admin.get("/health/ready")
        stats = admin.get("/admin/system/stats").json()
        phase = admin.get(f"/admin/system/circuit-breakers/{broken.bot_id}").json()["phase"]
    held_at, broken_at = calls_at(sandbox, slowed, 5), calls_at(sandbox, broken)
    assert gateway.stop() == 0
    log = Log(gateway)

    # Held for the time that Telegram said, open for its cool-down, given up at its deadline.
    assert HOLD_S <= held_at[1] - held_at[0] <= HOLD_S + LATE_S
    assert COOLDOWN_S <= broken_at[5] - broken_at[4] <= COOLDOWN_S + LATE_S
    assert phase in ("half_open", "closed")
    # A disk that is busy just then makes it `delivery_unrecorded`, which says the same of the message.
    assert (late.status_code, late.json()["outcome"]) == (504, "uncertain")
    assert DEADLINE_S - 0.1 <= late_s <= DEADLINE_S + LATE_S
    # Keys are remembered on both sides of the jump.
    assert (again.headers["idempotent-replayed"], again.json()) == ("true", keyed.json())
    assert (back.headers["idempotent-replayed"], back.json()) == ("true", there.json())
    # All goes on, each command ends once, and nothing is sent twice.
    assert ready.status_code == 200
    assert [one["error"] for one in stats["projections"]] == [None] * len(stats["projections"])
    told = {answer["command_id"]: answer["outcome"] for _, answer in load.told if answer.get("outcome")}
    assert told.items() <= log.outcome.items()
    texts = sandbox.texts(acme.bot_id)
    assert len(set(texts)) == len(texts)
    assert set(log.outcome.values()) == {"delivered", "uncertain"}


def test_the_next_process_waits_no_longer_though_the_clock_was_set_back_meanwhile(
    gateway: MovedGateway, sandbox: SandboxClient
) -> None:
    acme, broken = Acme(gateway, sandbox), Acme(gateway, sandbox, "Broken")
    gateway.wall.is_set("+1d")
    with acme.client() as client, broken.client() as other:
        keyed = send(client, acme, 7, "once", Idempotency_Key="order-1").raise_for_status()
        held, patient = is_held(client, acme, sandbox, 5), is_open(other, broken, sandbox)
    gateway.kill()
    gateway.wall.is_set("-1h")
    gateway.start()
    since = time.monotonic()
    with acme.client() as client, broken.client() as other:
        again = send(client, acme, 7, "once", Idempotency_Key="order-1")
        after = send(client, acme, 8, "after").raise_for_status()
        until(lambda: state(client, held) == "delivered" and state(other, patient) == "delivered")
        took_s = time.monotonic() - since
        queued_s = [wait_s(client, held), wait_s(other, patient)]
    assert gateway.stop() == 0

    assert (again.headers["idempotent-replayed"], again.json()) == ("true", keyed.json())
    assert after.json()["outcome"] == "delivered"
    assert took_s <= max(HOLD_S, COOLDOWN_S) + LATE_S
    assert min(queued_s) >= 0
    # Whether the held one had gone again before the end of its process is a matter of moments.
    texts = [text for text in map(str, sandbox.texts(acme.bot_id)) if text != "told to wait"]
    assert sorted(texts) == ["after", "once", "waits behind it"]
    assert set(Log(gateway).outcome.values()) <= {"delivered", "uncertain"}
