"""A tenant whose bot hears, what Telegram knows of its webhook, and what came in."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx

from domain import events, streams
from domain.store.database import database_at
from domain.store.key_file import KeyFile
from domain.store.ledger import Ledger
from domain.store.vault import Vault
from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway

SECRET = "X-Telegram-Bot-Api-Secret-Token"
LOOKS = 3000


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def ledger_of(gateway: Gateway) -> Iterator[Ledger]:
    with closing(database_at(gateway.database_url).opened()) as store:
        yield Ledger(store)


class Hearing:
    def __init__(self, gateway: Gateway, sandbox: SandboxClient, acme: Acme) -> None:
        self.gateway, self.sandbox, self.acme = gateway, sandbox, acme

    def wants(self, updates: str) -> httpx.Response:
        with self.acme.client() as client:
            return client.patch(f"/api/bots/{self.acme.bot_id}", json={"updates": updates})

    def shown(self) -> dict[str, Any]:
        with self.acme.client() as client:
            return dict(client.get(f"/api/bots/{self.acme.bot_id}").raise_for_status().json()["updates"])

    def webhook(self) -> dict[str, Any]:
        """As Telegram has it."""
        return dict(self.telegram("getWebhookInfo"))

    def telegram(self, method: str, **parameters: Any) -> Any:
        """Somebody with the bot's token calls Telegram itself."""
        url = f"{self.sandbox.base_url}/bot{self.acme.token}/{method}"
        with httpx.Client(trust_env=False) as client:
            return client.post(url, json=parameters).raise_for_status().json()["result"]

    def say(self, count: int, chats: int = 10) -> list[int]:
        """The ids of the updates."""
        each = [count // chats + (chat < count % chats) for chat in range(chats)]
        return [
            update_id
            for chat, many in enumerate(each, 1)
            for update_id in self.sandbox.say(self.acme.bot_id, chat, "hello", count=many)
        ]

    def secret(self) -> str:
        """The webhook's, which only the vault tells."""
        with closing(database_at(self.gateway.database_url).opened()) as store:
            vault = Vault(store, KeyFile(self.gateway.state_dir / "master.key").keys())
            stream = Ledger(store).stream(streams.updates_stream(self.acme.bot_id))
            (*_, newest) = [one.event for one in stream if isinstance(one.event, events.WebhookSet)]
            sealed = newest.secret_sealed
            return vault.open(newest.tenant_id, f"webhook-secret/{self.acme.bot_id}", sealed).decode()

    def inbox(self) -> list[int]:
        with ledger_of(self.gateway) as ledger:
            return [row.update_id for row in ledger.inbox.waiting(self.acme.bot_id, limit=1_000_000)]

    def received(self) -> Counter[tuple[int, str]]:
        """What the log says: update and way."""
        with ledger_of(self.gateway) as ledger:
            found = [one.event for one in ledger.read(0, 1_000_000)]
        return Counter((one.update_id, one.via) for one in found if isinstance(one, events.UpdateReceived))

    def topics(self, *kinds: type[events.Event]) -> list[str]:
        with ledger_of(self.gateway) as ledger:
            return [one.event.TOPIC for one in ledger.read(0, 1_000_000) if isinstance(one.event, kinds)]

    def has_come_to(self, many: int) -> None:
        self.comes_to(lambda: len(self.inbox()) >= many)

    def comes_to(self, condition: Callable[[], object]) -> None:
        """Each look asks a server or a store, which takes its time."""
        for _ in range(LOOKS):
            if condition():
                return
        raise AssertionError(f"{self.shown()} {self.webhook()}")
