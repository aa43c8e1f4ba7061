"""A tenant with a key cannot learn, through any route, whether another tenant has a thing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.keys import written_key
from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.hearing import Hearing, free_port
from tests.acceptance.secrecy import ASKS

OWN_KEY = {"Idempotency-Key": "order-17"}


@pytest.fixture
def gateway(tmp_path: Path, sandbox: SandboxClient) -> Iterator[Gateway]:
    """With a public address, so that bots have webhooks."""
    port = str(free_port())
    gateway = Gateway(
        tmp_path / "state", sandbox.base_url, **FAST, PORT=port, PUBLIC_URL=f"http://127.0.0.1:{port}"
    ).start()
    yield gateway
    if gateway.is_running:
        assert gateway.stop() == 0


def settled(globex: Acme, hearing: Hearing) -> dict[str, str]:
    """Globex has one of everything."""
    with globex.client() as client:
        client.put("/api/notices/endpoint", json={"url": "https://globex.example/notices"}).raise_for_status()
        path = f"/api/bots/{globex.bot_id}"
        client.patch(path, json={"callback_url": "https://globex.example/updates"}).raise_for_status()
        sent = client.post(f"{path}/commands/getMe", json={}, headers=OWN_KEY).raise_for_status().json()
        made = client.post("/api/keys", json={}).raise_for_status().json()
        hearing.wants("webhook").raise_for_status()
        hearing.comes_to(lambda: hearing.webhook()["url"])
        found = client.get(f"/api/commands/{sent['command_id']}", params={"at_least": made["position"]})
        assert (200, 200) == (found.status_code, client.get(path).status_code)
    return {
        "<bot>": str(globex.bot_id),
        "<command>": sent["command_id"],
        "<key>": made["key_id"],
        "<tenant>": globex.tenant_id,
        "<forged>": a_new_key_of(made["key_id"]),
        "<webhook>": hearing.webhook()["url"].rpartition("/")[2],
    }


def a_new_key_of(key_id: str) -> str:
    """Well formed, with a secret that nobody has."""
    return written_key(key_id, bytes(32)).text


def never_was(theirs: dict[str, str]) -> dict[str, str]:
    """Of the same lengths, so that Content-Length tells nothing either."""
    others = {name: other(value) for name, value in theirs.items()}
    return {**others, "<forged>": a_new_key_of(others["<key>"])}


def other(text: str) -> str:
    """Another of its kind: its last digit or letter is."""
    return text[:-1] + ("3" if text[-1] != "3" else "4")


def test_another_s_thing_and_one_that_never_was_get_the_same_answer_on_every_route(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme, globex = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
    theirs = settled(globex, Hearing(gateway, sandbox, globex))
    nobodys = never_was(theirs)
    with acme.client() as client:
        told = [(ask, ask.about(client, theirs), ask.about(client, nobodys)) for ask in ASKS]
        own = [acme.command(client, "getMe")]
        for key in ("order-17", "order-18"):
            path = f"/api/bots/{acme.bot_id}/commands/getMe"
            own.append(client.post(path, json={}, headers={"Idempotency-Key": key}))

    assert [] == [(ask.method, ask.path, one, another) for ask, one, another in told if one != another]
    # What was asked for was heard, and nothing was given away or done.
    succeeded = {ask.path.partition("?")[0] for ask, one, _ in told if one[0] < 300}
    assert {"/webhook/<webhook>", "/api/events", "/api/events/stream"} < succeeded
    assert not any("<bot>" in path for path in succeeded if not path.startswith("/webhook"))
    # A key for repeats that another has used is as good as new.
    assert ["delivered"] * 3 == [one.json()["outcome"] for one in own]
    assert len({one.json()["command_id"] for one in own}) == 3
    assert own[1].headers.keys() == own[2].headers.keys()
    with globex.client() as client:
        assert "active" == client.get(f"/api/bots/{globex.bot_id}").json()["status"]
        assert 2 == len(client.get("/api/keys").json()["keys"])


def test_a_removed_tenant_s_webhook_is_taken_away(gateway: Gateway, sandbox: SandboxClient) -> None:
    """Before the key is destroyed that its token is sealed under: afterwards nobody could."""
    acme = Acme(gateway, sandbox)
    hearing = Hearing(gateway, sandbox, acme)
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    with gateway.admin() as admin:
        admin.delete(f"/admin/tenants/{acme.tenant_id}", params={"reason": "left us"}).raise_for_status()

    for _ in range(1000):
        if not hearing.webhook()["url"]:
            break
    assert "" == hearing.webhook()["url"]
