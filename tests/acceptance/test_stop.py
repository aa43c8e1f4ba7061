"""The gateway is told to stop in the middle of everything: each of its callers hears an answer, and nobody for long."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.hearing import Hearing, free_port
from tests.acceptance.load import until

PATIENCE_IS_OVER = "timeout graceful shutdown exceeded"
"""As the server says it, of callers that had no answer yet."""
DRAIN_S = "2"


class Asks(NamedTuple):
    """One caller, who waits for Telegram."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    waits_for: str = "getMe"
    kind: str = "hang_before"
    ends_as: tuple[int, str] = (503, "shutting_down")
    begins: str = "active"


NOT_ASKED = (503, "telegram_unreachable")
ASKS = {
    "register": Asks("POST", "/api/bots", {"token": "{token}"}, begins="new"),
    "hear": Asks("PATCH", "/api/bots/{bot_id}", {"updates": "polling"}),
    "replace the token": Asks("PUT", "/api/bots/{bot_id}/token", {"token": "{token}"}),
    "look at the token": Asks("POST", "/api/bots/{bot_id}/verify"),
    "read the name": Asks("POST", "/api/bots/{bot_id}/refresh"),
    "resume": Asks("POST", "/api/bots/{bot_id}/resume", begins="suspended"),
    "prove": Asks("POST", "/api/bots/{bot_id}/verify-ownership"),
    "prove, webhook": Asks("POST", "/api/bots/{bot_id}/verify-ownership", None, "getWebhookInfo", ends_as=NOT_ASKED),
    "rotate, token": Asks("POST", "/api/bots/{bot_id}/webhook/rotate", begins="hearing"),
    "rotate": Asks(
        "POST", "/api/bots/{bot_id}/webhook/rotate", None, "setWebhook", ends_as=NOT_ASKED, begins="hearing"
    ),
    "rotate, flooded": Asks(
        "POST", "/api/bots/{bot_id}/webhook/rotate", None, "setWebhook", "flood", NOT_ASKED, begins="hearing"
    ),
    "look at any token": Asks("POST", "/admin/system/validate-token", {"token": "{token}"}),
}


@pytest.fixture
def gateway(tmp_path: Path, sandbox: SandboxClient) -> Iterator[Gateway]:
    port = str(free_port())
    settings = {"PORT": port, "PUBLIC_URL": f"http://127.0.0.1:{port}", "DRAIN_S": DRAIN_S}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, **settings).start()
    yield gateway
    if gateway.is_running:
        assert gateway.stop() == 0


class Caller:
    """A tenant with a bot, about to ask for one thing."""

    def __init__(self, name: str, asks: Asks, gateway: Gateway, sandbox: SandboxClient) -> None:
        self.asks, self._gateway = asks, gateway
        self._acme = Acme(gateway, sandbox, name)
        bot_id, token = self._acme.bot_id, self._acme.token
        if asks.begins == "new":
            bot_id, token, _ = sandbox.add_bot()
        self._named = {"bot_id": bot_id, "token": token}
        with self._acme.client() as client:
            if asks.begins == "suspended":
                client.post(f"/api/bots/{bot_id}/suspend").raise_for_status()
            if asks.begins == "hearing":
                client.patch(f"/api/bots/{bot_id}", json={"updates": "webhook"}).raise_for_status()
                until(lambda: sandbox.calls(bot_id, "setWebhook"))
        self.fault_id = sandbox.fault(
            asks.kind, bot_id=bot_id, method=asks.waits_for, times=None, retry_after=300 if asks.kind == "flood" else 1
        )

    def ask(self) -> httpx.Response:
        key = self._gateway.admin_key if self.asks.path.startswith("/admin") else self._acme.key
        body = {name: text.format(**self._named) for name, text in (self.asks.body or {}).items()}
        with self._gateway.client(key) as client:
            return client.request(self.asks.method, self.asks.path.format(**self._named), json=body)


def struck(sandbox: SandboxClient, fault_id: int) -> int:
    return next(int(fault["struck"]) for fault in sandbox.faults() if fault["fault_id"] == fault_id)


def ended(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_whoever_waits_for_telegram_is_told_that_the_gateway_stops_and_can_ask_the_next_one(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    callers = {name: Caller(name, asks, gateway, sandbox) for name, asks in ASKS.items()}
    sending, fetching = Acme(gateway, sandbox, "sends"), Acme(gateway, sandbox, "fetches")
    sandbox.fault("hang_before", bot_id=sending.bot_id, method="sendMessage")
    with ThreadPoolExecutor(len(callers) + 2) as pool, sending.client() as sends, fetching.client() as fetches:
        asked = {name: pool.submit(caller.ask) for name, caller in callers.items()}
        sent = pool.submit(sending.send, sends, 5, "under way")
        fetched = pool.submit(fetches.get, f"/api/bots/{fetching.bot_id}/updates", params={"timeout": 50})
        for caller in callers.values():
            until(lambda caller=caller: struck(sandbox, caller.fault_id))  # type: ignore[misc]
        until(lambda: sandbox.calls(sending.bot_id, "sendMessage"))
        code = gateway.stop()
        told = {name: ended(one.result()) for name, one in asked.items()}
        others = [ended(one.result()) for one in (sent, fetched)]
    log = gateway.log.read_text()
    sandbox.clear_faults()
    gateway.start()
    again = {name: caller.ask().status_code for name, caller in callers.items()}

    assert code == 0
    assert told == {name: asks.ends_as for name, asks in ASKS.items()}
    assert others == [(504, "delivery_uncertain"), (503, "shutting_down")]
    assert PATIENCE_IS_OVER not in log
    assert again == {**dict.fromkeys(ASKS, 200), "register": 201}


def stops_already(gateway: Gateway) -> bool:
    try:
        with gateway.admin() as admin:
            return bool(admin.get("/admin/system/stats").json()["fleet"]["draining"])
    except httpx.TransportError:
        return True


def test_while_the_last_commands_end_no_update_is_fetched_any_more_and_none_is_lost(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    hearing = Hearing(gateway, sandbox, acme)
    hearing.wants("polling").raise_for_status()
    hearing.say(1)
    hearing.has_come_to(1)
    sandbox.fault("hang_before", method="sendMessage")
    with acme.client() as client, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(acme.send, client, 5, "under way")
        until(lambda: sandbox.calls(acme.bot_id, "sendMessage"))
        gateway.told_to_stop()
        until(lambda: stops_already(gateway))
        late = hearing.say(1)
        ended(sending.result())
    assert gateway.ended() == 0
    then = hearing.inbox()
    gateway.start()
    hearing.has_come_to(2)

    assert late[0] not in then
    assert late[0] in hearing.inbox()
