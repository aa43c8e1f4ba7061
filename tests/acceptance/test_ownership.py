"""Whoever sends the code to the bot proves that it is theirs; and then it is, whoever had it and whatever crashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.fleet import read_bot
from domain.codes import hashed
from domain.ownership import verify
from domain.refusal import Refused
from domain.rules.tokens import Token, parse
from domain.store.mapper import Entry
from domain.streams import bot_stream
from ops.sandbox.client import SandboxClient, running_sandbox
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.hearing import LOOKS, Hearing, free_port, ledger_of

CHAT, GROUP = 77, -1001234567890


@pytest.fixture
def sandbox() -> Iterator[SandboxClient]:
    """It does not wait long before it tries again."""
    with running_sandbox(retry_base_s=0.05) as client:
        yield client


@pytest.fixture
def gateway(tmp_path: Path, sandbox: SandboxClient) -> Iterator[Gateway]:
    """With a public address, and where commands wait for the proof."""
    port = str(free_port())
    settings = {"PORT": port, "PUBLIC_URL": f"http://127.0.0.1:{port}", "REQUIRE_OWNERSHIP": "true"}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, **settings).start()
    yield gateway
    if gateway.is_running:
        assert gateway.stop() == 0


def comes_to(condition: Callable[[], object]) -> None:
    """Each look asks a server, which takes its time."""
    for _ in range(LOOKS):
        if condition():
            return
    raise AssertionError("it did not come to that")


def shown(tenant: Acme, bot_id: int) -> dict[str, Any]:
    with tenant.client() as client:
        return dict(client.get(f"/api/bots/{bot_id}").json())


def ownership(tenant: Acme, bot_id: int) -> tuple[str | None, str | None]:
    """And the status."""
    bot = shown(tenant, bot_id)
    return bot.get("ownership"), bot["status"] if "ownership" in bot else bot["code"]


def asks_for_a_code(tenant: Acme, bot_id: int) -> httpx.Response:
    with tenant.client() as client:
        return client.post(f"/api/bots/{bot_id}/verify-ownership")


def answered(sandbox: SandboxClient, bot_id: int, chat: int) -> bool:
    """By the bot, in this chat."""
    return any("Verified" in (text or "") for text in sandbox.texts(bot_id, chat))


def struck(sandbox: SandboxClient, fault_id: int) -> int:
    return next(int(fault["struck"]) for fault in sandbox.faults() if fault["fault_id"] == fault_id)


def topics(gateway: Gateway, bot_id: int) -> list[str]:
    with ledger_of(gateway) as ledger:
        return [one.event.TOPIC for one in ledger.stream(bot_stream(bot_id))]


def test_an_owner_proves_itself_to_a_bot_that_hears_nothing_and_what_waits_there_goes_on_waiting(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    hearing = Hearing(gateway, sandbox, acme)
    with acme.client() as client:
        before = acme.send(client, CHAT, "too early")
        listens = hearing.wants("polling")
    hearing.telegram("setWebhook", url="https://example.com/of-somebody-else")
    elsewhere = asks_for_a_code(acme, acme.bot_id)
    hearing.telegram("deleteWebhook")
    issued = asks_for_a_code(acme, acme.bot_id).raise_for_status().json()
    bot = hearing.telegram("getMe")
    sandbox.say(acme.bot_id, CHAT, "hello")
    sandbox.say(acme.bot_id, GROUP, f"/start {issued['code']}")
    sandbox.say(acme.bot_id, CHAT + 1, f"/start@another_bot {issued['code']}")
    unproven = ownership(acme, acme.bot_id), shown(acme, acme.bot_id)["verification"]["state"]
    gateway.kill()
    sandbox.say(acme.bot_id, CHAT, f"/start@{bot['username'].upper()} {issued['code']}")
    gateway.start()
    comes_to(lambda: answered(sandbox, acme.bot_id, CHAT))
    sandbox.say(acme.bot_id, CHAT, f"/start {issued['code']}")
    with acme.client() as client:
        after = acme.send(client, 5, "now")
        again = asks_for_a_code(acme, acme.bot_id)

    assert (before.status_code, before.json()["code"]) == (409, "bot_unverified")
    assert (listens.status_code, listens.json()["code"]) == (409, "bot_unverified")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "foreign_webhook")
    assert issued["link"] == f"https://t.me/{bot['username']}?start={issued['code']}"
    assert unproven == (("registered", "active"), "listening")
    assert ownership(acme, acme.bot_id) == ("verified", "active")
    assert not answered(sandbox, acme.bot_id, GROUP)
    assert not answered(sandbox, acme.bot_id, CHAT + 1)
    assert after.json()["outcome"] == "delivered"
    assert (again.status_code, again.json()["code"]) == (409, "bot_verified")
    assert topics(gateway, acme.bot_id) == ["bot-registered", "ownership-code-issued", "ownership-verified"]
    assert hearing.webhook()["pending_update_count"] == 5
    assert issued["code"] not in gateway.log.read_text()


def test_a_proof_takes_the_bot_over_from_another_tenant_who_is_told_and_has_it_no_longer(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme, globex = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
    hearing, bot_id = Hearing(gateway, sandbox, acme), acme.bot_id
    own = asks_for_a_code(acme, bot_id).json()
    sandbox.say(bot_id, CHAT, f"/start {own['code']}")
    comes_to(lambda: ownership(acme, bot_id)[0] == "verified")
    hearing.wants("webhook").raise_for_status()
    comes_to(lambda: "/webhook/" in hearing.webhook()["url"])
    hearing.say(3)
    hearing.has_come_to(3)
    sandbox.fault("flood", bot_id=bot_id, method="sendMessage", chat_id=5, retry_after=300, times=1)
    with acme.client() as client:
        path, patient = f"/api/bots/{bot_id}/commands/sendMessage", {"Prefer": "respond-async", "X-Deadline-S": "3600"}
        held = acme.send(client, 5, "too fast")
        waiting = client.post(path, json={"chat_id": 5, "text": "later"}, headers=patient).raise_for_status()
    with globex.client() as client:
        claimed = client.post("/api/bots", json={"token": acme.token}).raise_for_status().json()
    issued = asks_for_a_code(globex, bot_id).raise_for_status().json()
    gateway.kill()
    gateway.start()
    trouble = sandbox.fault("status", bot_id=bot_id, method="getMe", status=500)
    sandbox.say(bot_id, CHAT + 1, f"/start {issued['code']}")
    comes_to(lambda: ownership(globex, bot_id)[0] == "verified")
    comes_to(lambda: answered(sandbox, bot_id, CHAT + 1))
    comes_to(lambda: hearing.webhook()["url"] == "")
    sandbox.say(bot_id, CHAT, "hello, Globex")
    with globex.client() as client:
        sent = client.post(path, json={"chat_id": 6, "text": "mine"})
        updates = client.get(f"/api/bots/{bot_id}/updates").json()
    with acme.client() as client:
        story = client.get(waiting.headers["Location"], params={"at_least": sent.json()["position"]}).json()
        command = acme.send(client, 6, "not any more")
        notices = client.get("/api/notices").json()["notices"]

    assert (claimed["ownership"], claimed["status"]) == ("unverified", "unverified")
    assert ownership(globex, bot_id) == ("verified", "active")
    assert ownership(acme, bot_id) == (None, "not_found")
    assert (command.status_code, command.json()["code"]) == (404, "not_found")
    assert (held.status_code, waiting.status_code) == (429, 202)
    assert (story["state"], story["code"]) == ("not_sent", "cancelled")
    assert struck(sandbox, trouble) == 1
    assert sent.json()["outcome"] == "delivered"
    assert shown(globex, bot_id)["updates"]["wanted"] == "off"
    assert updates["updates"] == []
    assert [notice["kind"] for notice in notices] == ["bot_taken_over"]
    assert globex.tenant_id not in str(notices)
    assert hearing.webhook()["pending_update_count"] == 1
    assert topics(gateway, bot_id)[-4:] == [
        "bot-removed",
        "challenge-withdrawn",
        "bot-registered",
        "ownership-verified",
    ]


def test_what_a_crash_left_of_a_takeover_the_next_process_finishes(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme, globex = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
    hearing, bot_id = Hearing(gateway, sandbox, acme), acme.bot_id
    own = asks_for_a_code(acme, bot_id).json()
    sandbox.say(bot_id, CHAT, f"/start {own['code']}")
    comes_to(lambda: ownership(acme, bot_id)[0] == "verified")
    hearing.wants("webhook").raise_for_status()
    comes_to(lambda: "/webhook/" in hearing.webhook()["url"])
    hearing.say(3)
    hearing.has_come_to(3)
    with globex.client() as client:
        client.post("/api/bots", json={"token": acme.token}).raise_for_status()
    issued = asks_for_a_code(globex, bot_id).raise_for_status().json()
    gateway.kill()
    with ledger_of(gateway) as ledger:
        bot, now = read_bot(ledger, bot_id), datetime.now(UTC)
        decided = verify(bot, globex.tenant_id, hashed(issued["code"]), parsed(acme.token).fingerprint, now)
        assert not isinstance(decided, Refused)
        ledger.append([Entry(bot_stream(bot_id), bot.version + n, event) for n, event in enumerate(decided, 1)])
    before = hearing.inbox()
    gateway.start()
    comes_to(lambda: hearing.webhook()["url"] == "")
    with acme.client() as client:
        notices = [notice["kind"] for notice in client.get("/api/notices").json()["notices"]]
    with globex.client() as client:
        waiting = client.get(f"/api/bots/{bot_id}/deliveries?status=waiting").json()["deliveries"]

    assert len(before) == 4
    assert hearing.inbox() == waiting == []
    assert notices == ["bot_taken_over"]
    assert ownership(globex, bot_id) == ("verified", "active")
    assert ownership(acme, bot_id)[1] == "not_found"


def parsed(text: str) -> Token:
    token = parse(text)
    assert token is not None
    return token
