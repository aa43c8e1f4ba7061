"""A gateway that is killed again and again under load, at moments that a seed draws, and what its callers were told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Self

import httpx

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.load import until

CALLERS = 6
FIRST_WITHIN_S = 30
UNDER_LOAD_S = 0.35
WHILE_STARTING_S = 1.2
LAST, BLOCKED = 1, 900
"""Chats: that of the last message, and one that has blocked the bot; what goes there is rejected."""


def with_faults(sandbox: SandboxClient, bot_id: int) -> list[int]:
    """Answers take a while, so that a kill finds commands in flight, and now and then one is lost."""
    sandbox.set_chat(BLOCKED, "blocked", bot_id=bot_id)
    return [
        sandbox.fault("latency", bot_id=bot_id, latency_ms=15, times=None),
        sandbox.fault("reset_after", bot_id=bot_id, method="sendMessage", probability=0.02, times=None),
        sandbox.fault("reset_before", bot_id=bot_id, method="sendMessage", probability=0.02, times=None),
    ]


@dataclass
class Request:
    chat: int
    text: str
    key: str | None

    def made_by(self, client: httpx.Client, acme: Acme, prefer: str = "respond-async") -> httpx.Response:
        headers = {"Prefer": prefer} | ({"Idempotency-Key": self.key} if self.key else {})
        path = f"/api/bots/{acme.bot_id}/commands/sendMessage"
        return client.post(path, json={"chat_id": self.chat, "text": self.text}, headers=headers)


@dataclass
class Caller:
    """Asks for one message after the other; what it had asked with a key when it was cut off it asks again."""

    chat: int
    rng: Random
    numbers: count[int] = field(default_factory=count)
    cut_off: Request | None = None
    told: dict[str, Request] = field(default_factory=dict)
    """By command id: what was accepted."""

    def calls_until_cut_off(self, acme: Acme, accepted: threading.Event) -> None:
        with acme.client() as client:
            while True:
                request = self._next()
                try:
                    answer = request.made_by(client, acme)
                except httpx.TransportError:
                    self.cut_off = request if request.key else None
                    return
                self.cut_off = None
                if answer.status_code in (200, 202):
                    self.told[answer.json()["command_id"]] = request
                    accepted.set()

    def _next(self) -> Request:
        if self.cut_off is not None:
            return self.cut_off
        number = next(self.numbers)
        key = f"{self.chat}-{number}" if self.rng.random() < 0.3 else None
        chat = BLOCKED if self.rng.random() < 0.05 else self.chat
        return Request(chat, f"{self.chat}-{number}", key)


class Victim:
    """A gateway of its own, its tenant and its callers."""

    def __init__(self, state: Path, sandbox: SandboxClient, seed: str) -> None:
        self.rng = Random(seed)
        self.gateway = Gateway(state, sandbox.base_url, **FAST, BREAKER_COOLDOWN_S="1").start()
        self.acme = Acme(self.gateway, sandbox)
        self.callers = [Caller(100 + n, Random(f"{seed}-{n}")) for n in range(CALLERS)]
        self.sandbox, self.faults = sandbox, with_faults(sandbox, self.acme.bot_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if self.gateway.is_running:
            code = self.gateway.stop()
            assert failed is not None or code == 0

    @property
    def told(self) -> dict[str, Request]:
        return {command_id: request for caller in self.callers for command_id, request in caller.told.items()}

    def lives_through(self, rounds: int) -> None:
        for _ in range(rounds):
            self._killed_under_load()
            if self.rng.random() < 0.25:
                self._killed_while_starting()
            self.gateway.start()

    def _killed_under_load(self) -> None:
        accepted = threading.Event()
        with ThreadPoolExecutor(CALLERS) as pool:
            calling = [pool.submit(caller.calls_until_cut_off, self.acme, accepted) for caller in self.callers]
            assert accepted.wait(FIRST_WITHIN_S)
            self._killed_within(UNDER_LOAD_S)
            for done in calling:
                done.result()

    def _killed_while_starting(self) -> None:
        self.gateway.launch()
        self._killed_within(WHILE_STARTING_S)

    def _killed_within(self, bound_s: float) -> None:
        moment = threading.Timer(self.rng.uniform(0, bound_s), self.gateway.kill)
        moment.start()
        moment.join()

    def finishes(self) -> None:
        """Everything that was accepted, and from here on no answer is lost any more."""
        with self.gateway.admin() as admin:
            until(lambda: admin.get("/admin/system/stats").json()["fleet"]["open_commands"] == 0)
        for fault in self.faults:
            self.sandbox.remove_fault(fault)

    def states(self) -> dict[str, str]:
        """How each command ended, as the gateway tells it."""
        found: list[dict[str, str]] = []
        with self.acme.client() as client:
            last = Request(LAST, f"{LAST}-0", None).made_by(client, self.acme, "respond-async, wait=30")
            query: dict[str, str] = {"limit": "100", "at_least": last.raise_for_status().json()["position"]}
            while page := self._page(client, query):
                found += page
                query["before"] = page[-1]["command_id"]
        return {one["command_id"]: one["state"] for one in found}

    def _page(self, client: httpx.Client, query: dict[str, str]) -> list[dict[str, str]]:
        answer = client.get(f"/api/bots/{self.acme.bot_id}/commands", params=query).raise_for_status()
        return list(answer.json()["commands"])
