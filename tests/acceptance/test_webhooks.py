"""Bots that hear: by webhook, by polling, and by one where the other fails. No update is lost, none recorded twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from domain import events
from ops.sandbox.client import SandboxClient, running_sandbox
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.hearing import SECRET, Hearing, free_port
from tests.acceptance.test_alerts import Receiver, receiving
from tests.proxy import Proxy

UPDATES = int(os.environ.get("BOTLOFT_WEBHOOK_UPDATES", "2000"))
SEEN = (events.WebhookSet, events.WebhookLost, events.WebhookRestored, events.PollingStarted, events.WebhookRemoved)


@pytest.fixture
def sandbox() -> Iterator[SandboxClient]:
    """It does not wait long before it tries again."""
    with running_sandbox(retry_base_s=0.05) as client:
        yield client


@pytest.fixture
def operator() -> Iterator[Receiver]:
    with receiving() as operator:
        yield operator


@pytest.fixture
def gateway(tmp_path: Path, sandbox: SandboxClient, operator: Receiver) -> Iterator[Gateway]:
    """With a public address, which is its own."""
    port = str(free_port())
    settings = {
        "PORT": port,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WATCHDOG_S": "0.5",
        "ALERT_URL": operator.url,
        "ALERT_SECRET": "what the operator's end of the line knows",
    }
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, **settings).start()
    yield gateway
    if gateway.is_running:
        assert gateway.stop() == 0
    assert "ear_failed" not in gateway.log.read_text()


@pytest.fixture
def hearing(gateway: Gateway, sandbox: SandboxClient) -> Hearing:
    return Hearing(gateway, sandbox, Acme(gateway, sandbox))


def test_a_bot_hears_nothing_until_it_is_asked_for_and_leaves_nothing_behind(hearing: Hearing) -> None:
    hearing.telegram("setWebhook", url="https://example.com/of-somebody-else")
    before = hearing.webhook()["url"], hearing.shown()
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: "/webhook/" in hearing.webhook()["url"])
    (said,) = hearing.say(1)
    hearing.comes_to(lambda: hearing.inbox() == [said])
    during = hearing.shown()
    hearing.wants("off").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"] == "")
    hearing.comes_to(lambda: "webhook-removed" in hearing.topics(*SEEN))

    assert before == (
        "https://example.com/of-somebody-else",
        {"wanted": "off", "state": "off", "last_update_age_s": None},
    )
    assert (during["wanted"], during["state"]) == ("webhook", "webhook")
    assert 0 <= during["last_update_age_s"] < 60
    assert hearing.shown()["state"] == "off"
    assert hearing.topics(*SEEN) == ["webhook-set", "webhook-removed"]


@pytest.mark.parametrize("ends", ["suspend", "remove"])
def test_suspending_or_removing_a_bot_takes_its_webhook_away_and_its_updates_go_on_waiting(
    hearing: Hearing, ends: str
) -> None:
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    with hearing.acme.client() as client:
        path = f"/api/bots/{hearing.acme.bot_id}"
        (client.delete(path) if ends == "remove" else client.post(f"{path}/suspend")).raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"] == "")
    hearing.say(3)

    assert hearing.webhook()["pending_update_count"] == 3


def test_a_bot_that_was_given_another_token_leaves_no_webhook_behind_when_it_is_removed(
    hearing: Hearing, sandbox: SandboxClient
) -> None:
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    first = hearing.webhook()["url"]
    sandbox.revoke(hearing.acme.bot_id)
    hearing.acme.token = sandbox.issue_token(hearing.acme.bot_id)
    with hearing.acme.client() as client:
        bot = f"/api/bots/{hearing.acme.bot_id}"
        client.put(f"{bot}/token", json={"token": hearing.acme.token}).raise_for_status()
        hearing.comes_to(lambda: hearing.webhook()["url"] not in ("", first))
        client.delete(bot).raise_for_status()
    hearing.comes_to(lambda: hearing.topics(*SEEN)[-1] == "webhook-removed")

    assert hearing.webhook()["url"] == ""


def test_the_next_process_takes_away_what_this_one_could_not(hearing: Hearing) -> None:
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    hearing.sandbox.fault("reset_before", method="deleteWebhook", times=None)
    with hearing.acme.client() as client:
        client.delete(f"/api/bots/{hearing.acme.bot_id}").raise_for_status()
    hearing.comes_to(lambda: hearing.sandbox.calls(hearing.acme.bot_id, "deleteWebhook"))
    hearing.gateway.kill()
    left = hearing.webhook()["url"]
    hearing.sandbox.clear_faults()
    hearing.gateway.start()
    hearing.comes_to(lambda: hearing.webhook()["url"] == "")

    assert left


def test_a_bot_whose_token_is_revoked_while_it_polls_is_suspended(hearing: Hearing) -> None:
    hearing.wants("polling").raise_for_status()
    hearing.comes_to(lambda: hearing.sandbox.calls(hearing.acme.bot_id, "getUpdates"))
    hearing.say(1)
    hearing.comes_to(hearing.inbox)
    hearing.sandbox.revoke(hearing.acme.bot_id)
    hearing.sandbox.update(hearing.acme.bot_id, {"message": {"chat": {"id": 5}, "text": "wakes the poll"}})

    def status() -> str:
        with hearing.acme.client() as client:
            return str(client.get(f"/api/bots/{hearing.acme.bot_id}").json()["status"])

    for _ in range(1000):
        if status() == "suspended":
            break

    assert status() == "suspended"
    assert hearing.shown()["state"] == "off"


def test_a_webhook_that_is_not_ours_is_left_alone(hearing: Hearing) -> None:
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    hearing.telegram("setWebhook", url="https://example.com/taken-over")
    hearing.comes_to(lambda: hearing.shown()["state"] == "stopped: a foreign webhook")
    hearing.wants("off").raise_for_status()
    hearing.comes_to(lambda: "webhook-removed" in hearing.topics(*SEEN))

    assert hearing.webhook()["url"] == "https://example.com/taken-over"
    assert hearing.topics(*SEEN) == ["webhook-set", "webhook-lost", "webhook-removed"]


def test_a_webhook_that_is_gone_is_set_again(hearing: Hearing) -> None:
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    hearing.telegram("deleteWebhook")
    hearing.comes_to(lambda: "webhook-restored" in hearing.topics(*SEEN))

    assert "/webhook/" in hearing.webhook()["url"]
    assert hearing.topics(*SEEN) == ["webhook-set", "webhook-lost", "webhook-restored"]


def test_a_rotated_webhook_has_another_path_and_the_old_one_is_nobody_s(hearing: Hearing) -> None:
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    former, secret = hearing.webhook()["url"], hearing.secret()
    with hearing.acme.client() as client:
        rotated = client.post(f"/api/bots/{hearing.acme.bot_id}/webhook/rotate")
    said = hearing.say(5)
    hearing.comes_to(lambda: sorted(hearing.inbox()) == sorted(said))
    with httpx.Client(trust_env=False) as telegram:
        late = telegram.post(former, json={"update_id": 1, "message": {}}, headers={SECRET: secret})

    assert (rotated.status_code, rotated.json()["updates"]["state"]) == (200, "webhook")
    assert former != hearing.webhook()["url"]
    assert late.status_code == 404


def test_a_tenant_says_which_kinds_of_updates_telegram_brings(hearing: Hearing) -> None:
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    with hearing.acme.client() as client:
        bot = f"/api/bots/{hearing.acme.bot_id}"
        wanted = client.patch(bot, json={"allowed_updates": ["message", "chat_member"]})
        unknown = client.patch(bot, json={"allowed_updates": ["gossip"]})
    hearing.comes_to(lambda: hearing.webhook().get("allowed_updates") == ["chat_member", "message"])
    (said,) = hearing.say(1)
    hearing.comes_to(lambda: hearing.inbox() == [said])

    assert (wanted.status_code, unknown.status_code) == (200, 400)
    assert "allowed_updates" in unknown.json()["detail"]


def test_what_is_forged_unknown_too_large_or_no_update_is_refused_counted_and_not_recorded(hearing: Hearing) -> None:
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    url, secret = hearing.webhook()["url"], hearing.secret()
    (said,) = hearing.say(1)
    hearing.comes_to(lambda: hearing.inbox() == [said])
    update = {"update_id": said + 1, "message": {"chat": {"id": 5}, "text": "forged"}}
    with httpx.Client(trust_env=False) as anybody:
        forged = anybody.post(url, json=update, headers={SECRET: "a guess"})
        without = anybody.post(url, json=update)
        unknown = anybody.post(f"{url}x", json=update, headers={SECRET: secret})
        large = anybody.post(url, content=b"x" * 5_000_000, headers={SECRET: secret})
        large_and_forged = anybody.post(url, content=b"x" * 5_000_000, headers={SECRET: "a guess"})
        not_json = anybody.post(url, content=b"{", headers={SECRET: secret})
        no_update = anybody.post(url, json={"update_id": 1}, headers={SECRET: secret})
        replayed = anybody.post(url, json={**update, "update_id": said}, headers={SECRET: secret})
    with hearing.gateway.admin() as admin:
        counted = admin.get("/admin/system/stats").json()["webhooks"]

    assert [one.status_code for one in (forged, without, unknown, large_and_forged)] == [404] * 4
    assert forged.content == without.content == unknown.content == large_and_forged.content
    assert forged.headers == unknown.headers
    assert [one.status_code for one in (large, not_json, no_update)] == [413, 400, 400]
    assert (replayed.status_code, replayed.content) == (200, b"")
    assert counted == {"unknown_paths": 1, "wrong_secrets": 3, "not_updates": 2, "turned_away": 0}
    assert hearing.inbox() == [said]
    assert hearing.received() == {(said, "webhook"): 1}


def test_no_update_is_lost_or_doubled_when_the_gateway_is_killed_three_times(hearing: Hearing) -> None:
    hearing.wants("webhook").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    said: list[int] = []
    for _ in range(3):
        said += hearing.say(UPDATES // 4, chats=20)
        hearing.has_come_to(len(said) - UPDATES // 8)
        hearing.gateway.kill()
        said += hearing.say(UPDATES // 12, chats=20)
        hearing.gateway.start()
    said += hearing.say(UPDATES - len(said), chats=20)
    hearing.has_come_to(len(said))

    assert len(said) == UPDATES
    assert hearing.inbox() == sorted(said)
    assert hearing.received() == {(update_id, "webhook"): 1 for update_id in said}
    assert hearing.webhook()["pending_update_count"] == 0


def test_a_poller_that_is_killed_loses_and_doubles_nothing(hearing: Hearing) -> None:
    said = hearing.say(500)
    hearing.wants("polling").raise_for_status()
    hearing.comes_to(hearing.inbox)
    hearing.gateway.kill()
    said += hearing.say(500)
    hearing.gateway.start()
    hearing.has_come_to(len(said))
    state = hearing.shown()["state"]
    hearing.comes_to(lambda: hearing.webhook()["pending_update_count"] == 0)

    assert state == "polling"
    assert hearing.inbox() == sorted(said)
    assert hearing.received() == {(update_id, "polling"): 1 for update_id in said}
    assert hearing.gateway.stop() == 0


def test_while_the_public_address_is_away_it_polls_and_then_returns_with_one_alert_and_one_recovery(
    tmp_path: Path, sandbox: SandboxClient, operator: Receiver
) -> None:
    port = free_port()
    proxy = Proxy(port)
    settings = {"PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{proxy.port}", "WATCHDOG_S": "0.5"}
    alerts = {"ALERT_URL": operator.url, "ALERT_SECRET": "what the operator's end of the line knows"}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, **settings, **alerts).start()
    hearing = Hearing(gateway, sandbox, Acme(gateway, sandbox))
    hearing.wants("auto").raise_for_status()
    hearing.comes_to(lambda: hearing.webhook()["url"])
    said = hearing.say(50)
    hearing.has_come_to(50)
    proxy.close()
    said += hearing.say(50)
    hearing.comes_to(lambda: hearing.shown()["state"] == "falling back")
    hearing.has_come_to(100)
    operator.hears("alert.raised")
    proxy = Proxy(port, proxy.port)
    said += hearing.say(50)
    hearing.comes_to(lambda: hearing.shown()["state"] == "webhook")
    operator.hears("alert.raised", "alert.cleared")
    said += hearing.say(50)
    hearing.has_come_to(200)
    code = gateway.stop()
    proxy.close()

    assert code == 0
    assert hearing.inbox() == sorted(said)
    assert sorted(update_id for update_id, _ in hearing.received().elements()) == sorted(said)
    assert {"webhook", "polling"} == {via for _, via in hearing.received()}
    assert hearing.topics(*SEEN) == ["webhook-set", "webhook-lost", "polling-started", "webhook-restored"]
