"""A new master key for a gateway that works, killed in the middle."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from domain.store.data_keys import DataKeys
from domain.store.database import database_at
from domain.store.key_file import KeyFile
from domain.store.master_keys import MasterKeys
from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway

MANY = 10_000
"""Data keys, so that a rotation takes long enough to be killed."""


def sealed_keys(gateway: Gateway) -> dict[str, bytes]:
    with closing(database_at(gateway.database_url).reader()) as store:
        keys: DataKeys = store.data_keys
        return dict(keys.all())


def make_many_tenants(gateway: Gateway) -> None:
    """Their data keys, at least."""
    masters = MasterKeys(KeyFile(gateway.state_dir / "master.key").keys())
    with closing(database_at(gateway.database_url).opened()) as store, store.writing() as cursor:  # type: ignore[attr-defined]  # of both kinds
        mark = "%s" if gateway.database_url.startswith("postgres") else "?"
        rows = [(f"t_{number}", masters.seal(f"t_{number}", os.urandom(32))) for number in range(MANY)]
        cursor.executemany(f"INSERT INTO data_keys VALUES ({mark}, {mark})", rows)


@pytest.fixture
def acme(gateway: Gateway, sandbox: SandboxClient) -> Acme:
    """With a bot whose token is sealed, and a result that is."""
    acme = Acme(gateway, sandbox)
    assert again(gateway, acme) == ("delivered", "false")
    return acme


def again(gateway: Gateway, acme: Acme) -> tuple[str, str]:
    """Told from what is sealed in the log, once it was done."""
    path = f"/api/bots/{acme.bot_id}/commands/sendMessage"
    with acme.client_of(gateway) as client:
        headers = {"Idempotency-Key": "order-17"}
        answer = client.post(path, json={"chat_id": 1, "text": "hello"}, headers=headers).raise_for_status()
    return answer.json()["outcome"], answer.headers.get("Idempotent-Replayed", "false")


def test_a_rotation_under_load_is_killed_in_the_middle_and_goes_on_with_nothing_ever_unreadable(
    gateway: Gateway, acme: Acme
) -> None:
    gateway.stop()
    make_many_tenants(gateway)
    before = sealed_keys(gateway)
    old = KeyFile(gateway.state_dir / "master.key").keys()
    gateway.start()
    outcomes = []
    with gateway.admin() as admin, acme.client() as client:
        admin.post("/admin/system/vault/rotate", json={"reason": "yearly"}).raise_for_status()
        while (found := admin.get("/admin/system/vault").json()["rotation"])["done"] == 0:
            pass
        outcomes.append(acme.send(client, 2, "while it rotates").json()["outcome"])
    gateway.kill()
    assert found["state"] == "running"
    between = sealed_keys(gateway)
    gateway.start()
    replayed = again(gateway, acme)
    partly = gateway.says("vault", "status", "--url", gateway.base_url)
    rotated = gateway.says("vault", "rotate", "--url", gateway.base_url)
    new, *others = KeyFile(gateway.state_dir / "master.key").keys()
    retired = gateway.says("vault", "retire", "--url", gateway.base_url)
    outcomes.append(again(gateway, acme)[0])
    gateway.kill()
    gateway.start()
    outcomes.append(again(gateway, acme)[0])

    changed = sum(between[tenant_id] != sealed for tenant_id, sealed in before.items())
    assert 0 < changed < MANY
    assert replayed == ("delivered", "true")
    assert outcomes == ["delivered"] * 3
    assert [new] == KeyFile(gateway.state_dir / "master.key").keys()
    assert others == old
    new_id, old_id = MasterKeys([new]).newest, MasterKeys(old).newest
    assert (partly.returncode, "still needed" in partly.stdout, old_id in partly.stdout) == (0, True, True)
    assert rotated.stdout.startswith(f"{len(before) - changed:,} data keys were sealed anew, ")
    assert f"all {len(before):,} are under {new_id}." in rotated.stdout
    assert retired.stdout == f"Gone from master.key: {old_id}.\n"
    said = [part for one in (partly, rotated, retired) for part in (one.stdout, one.stderr)]
    shown = "".join(said) + gateway.log.read_text()
    assert [] == [key for key in (new, *old) if key.decode() in shown]
