"""A tenant is removed for good: its keys, its bots and the key of its data; whatever crashes on the way."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from actors.endings import parameters_purpose
from domain.events import CommandAccepted, CommandNotSent, CommandUncertain, TenantRemoved
from domain.store.database import database_at
from domain.store.key_file import KeyFile
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.vault import Vault
from domain.streams import BOTS, day_stream, tenant_stream
from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway

WHY = {"reason": "it left us"}


@pytest.fixture
def acme(gateway: Gateway, sandbox: SandboxClient) -> Acme:
    return Acme(gateway, sandbox)


@pytest.fixture
def globex(gateway: Gateway, sandbox: SandboxClient) -> Acme:
    return Acme(gateway, sandbox, "Globex")


def kept(gateway: Gateway, tenant: Acme) -> bytes | None:
    """Its sealed data key."""
    with closing(database_at(gateway.database_url).reader()) as store:
        return store.data_keys.of(tenant.tenant_id)


def send(client: httpx.Client, tenant: Acme, text: str, **headers: str) -> httpx.Response:
    path = f"/api/bots/{tenant.bot_id}/commands/sendMessage"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, json={"chat_id": 5, "text": text}, headers=named)


def remove(gateway: Gateway, tenant: Acme) -> httpx.Response:
    with gateway.admin() as admin:
        return admin.request("DELETE", f"/admin/tenants/{tenant.tenant_id}", json=WHY)


def story(gateway: Gateway, told: httpx.Response) -> dict[str, object]:
    with gateway.admin() as admin:
        path = f"/api/commands/{told.json()['command_id']}"
        at_least = {"at_least": told.json()["position"]}
        return dict(admin.get(path, params=at_least).raise_for_status().json())


def the_crash_came_after_the_fact(gateway: Gateway, tenant: Acme) -> str:
    """With a command on disk that nothing would keep from leaving; its id."""
    now, command_id = datetime.now(UTC), "0197c5e2-0000-7000-8000-000000000002"
    with closing(database_at(gateway.database_url).opened()) as store:
        vault = Vault(store, KeyFile(gateway.state_dir / "master.key").keys())
        accepted = CommandAccepted(
            occurred_at=now,
            bot_id=tenant.bot_id,
            tenant_id=tenant.tenant_id,
            command_id=command_id,
            method="getChat",
            received_at=now,
            deadline_s=60.0,
            parameters_sealed=vault.seal(tenant.tenant_id, parameters_purpose(command_id), b'{"chat_id":6}'),
            body_hash="0" * 64,
            chat="6",
        )
        removed = TenantRemoved(occurred_at=now, tenant_id=tenant.tenant_id, by="admin", reason="it left")
        for stream, event in ((day_stream(accepted), accepted), (tenant_stream(tenant.tenant_id), removed)):
            Ledger(store).append([Entry(stream, store.last_version(stream) + 1, event)])
    return command_id


def is_a_log_as_ever(gateway: Gateway) -> None:
    """Every event is exported, and every view has folded the newest of them."""
    with gateway.admin() as admin:
        exported = admin.get("/api/events").raise_for_status()
        newest = exported.headers["Botloft-Position"]
        summary = admin.get("/admin/system/bot-health/summary", params={"at_least": newest})
        views = admin.get("/admin/system/projections").json()["projections"]
    topics = [json.loads(line)["topic"] for line in exported.text.splitlines()]

    assert (len(topics), "tenant-removed" in topics) == (int(newest), True)
    assert summary.status_code == 200
    assert {one["state"] for one in views} == {"running"}


def test_a_removed_tenant_can_do_nothing_and_nobody_can_read_what_it_sent(
    acme: Acme, globex: Acme, gateway: Gateway
) -> None:
    with acme.client() as client:
        durable = send(client, acme, "between us", Idempotency_Key="order-1")
    readable = story(gateway, durable)["result"]
    key = kept(gateway, acme)
    answer = remove(gateway, acme)
    gateway.kill()
    gateway.start()
    with acme.client() as client, globex.client() as other:
        refused = client.get("/api/bots")
        claimed = other.post("/api/bots", json={"token": acme.token})
        taken = other.post(f"/api/bots/{acme.bot_id}/commands/getMe")
        still = globex.send(other, 5, "hello")
    with gateway.admin() as admin:
        again = admin.request("DELETE", f"/admin/tenants/{acme.tenant_id}", json=WHY)
        listed = [one["tenant_id"] for one in admin.get("/admin/tenants").json()["tenants"]]

    assert (readable or {})["text"] == "between us"  # type: ignore[index]  # Telegram's own
    assert key is not None
    assert (answer.status_code, int(answer.headers["Botloft-Position"]) > durable.json()["position"]) == (204, True)
    assert kept(gateway, acme) is None
    assert refused.status_code == 401
    assert (claimed.status_code, claimed.json()["status"]) == (201, "active")
    assert (taken.json()["outcome"], still.json()["outcome"]) == ("delivered", "delivered")
    assert again.status_code == 404
    assert listed == [globex.tenant_id]
    told = story(gateway, durable)
    assert (told["outcome"], told["result"], told["result_shredded"]) == ("delivered", None, True)
    assert "between us" not in str(told)
    is_a_log_as_ever(gateway)


def test_the_old_data_key_is_in_no_file_of_ours(acme: Acme, globex: Acme, gateway: Gateway, store: str) -> None:
    mine, theirs = kept(gateway, acme), kept(gateway, globex)
    assert mine is not None
    files = [path for path in gateway.state_dir.rglob("*") if path.is_file()]
    before = [path.name for path in files if mine in path.read_bytes()]
    remove(gateway, acme).raise_for_status()
    gateway.kill()
    after = [path.name for path in gateway.state_dir.rglob("*") if path.is_file() and mine in path.read_bytes()]

    assert (before != []) == (store == "sqlite")
    assert after == []
    assert kept(gateway, acme) is None
    assert kept(gateway, globex) == theirs


def test_what_a_crash_left_of_a_removal_the_next_process_finishes(
    acme: Acme, globex: Acme, gateway: Gateway, sandbox: SandboxClient
) -> None:
    sandbox.fault("flood", method="sendMessage", retry_after=1, bot_id=acme.bot_id)
    with acme.client() as client:
        accepted = send(client, acme, "never", Prefer="respond-async")
        while not sandbox.calls(bot_id=acme.bot_id, method="sendMessage"):
            pass
    gateway.kill()
    at_once = the_crash_came_after_the_fact(gateway, acme)
    gateway.start()
    with acme.client() as client:
        refused = client.get("/api/bots")
    while kept(gateway, acme) is not None:
        pass
    with closing(database_at(gateway.database_url).reader()) as reader:
        ledger = Ledger(reader)
        lives = [(one.event.TOPIC, one.event) for one in ledger.streams_under(f"{BOTS}{acme.bot_id}")]
        ends = [one.event for one in ledger.read(0, 10_000) if isinstance(one.event, CommandNotSent | CommandUncertain)]

    assert refused.status_code == 401
    assert ("bot-removed", "it left") == (lives[-1][0], getattr(lives[-1][1], "reason", ""))
    assert sorted([accepted.json()["command_id"], at_once]) == sorted(one.command_id for one in ends)
    assert [("command-not-sent", "not_found")] == [(one.TOPIC, one.code) for one in ends if one.command_id == at_once]
    assert sandbox.texts(acme.bot_id) == []
    assert sandbox.calls(bot_id=acme.bot_id, method="getChat") == []
    with globex.client() as client:
        assert globex.send(client, 5, "hello").json()["outcome"] == "delivered"
        assert client.post("/api/bots", json={"token": acme.token}).json()["status"] == "active"
    is_a_log_as_ever(gateway)
