"""Telegram stops dead under load, for longer than anybody waits for it, and goes on as if nothing had been."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.logs import Log

SHORT = {"TELEGRAM_TIMEOUT_S": "1", "BREAKER_COOLDOWN_S": "1"}
SENDERS, ASYNC_SENDERS, READERS = 4, 2, 2
PAUSE_S = 0.02
AT_ONCE_S = 1.0
"""On a busy machine; what waits for Telegram takes longer."""
COMES_WITHIN_S = 60


@contextmanager
def stopped(sandbox: SandboxClient) -> Iterator[None]:
    assert sandbox.pid is not None
    os.kill(sandbox.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(sandbox.pid, signal.SIGCONT)


@dataclass
class Load:
    """Callers who ask one thing after another until it is over, and what they were told."""

    acme: Acme
    over: threading.Event = field(default_factory=threading.Event)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was sent, and the answer."""

    def sends(self, chat: int, **headers: str) -> None:
        path = f"/api/bots/{self.acme.bot_id}/commands/sendMessage"
        with self.acme.client() as client:
            for n in count():
                text = f"{chat}-{n}"
                answer = client.post(path, json={"chat_id": chat, "text": text}, headers=headers)
                self.told.append((text, answer.json()))
                if self.over.wait(PAUSE_S):
                    return

    def reads(self) -> None:
        with self.acme.client() as client:
            while not self.over.wait(PAUSE_S):
                self.told.append(("", self.acme.command(client, "getMe").json()))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        with ThreadPoolExecutor(SENDERS + ASYNC_SENDERS + READERS) as pool:
            calling = [
                *(pool.submit(self.sends, 100 + n) for n in range(SENDERS)),
                *(pool.submit(self.sends, 200 + n, Prefer="respond-async") for n in range(ASYNC_SENDERS)),
                *(pool.submit(self.reads) for _ in range(READERS)),
            ]
            try:
                yield
            finally:
                self.over.set()
            for caller in calling:
                caller.result()


def until(condition: Callable[[], bool]) -> None:
    between, patience = threading.Event(), time.monotonic() + COMES_WITHIN_S
    while not condition():
        assert time.monotonic() < patience, "it did not come to that"
        between.wait(PAUSE_S)


def phase(admin: httpx.Client, acme: Acme) -> str:
    return str(admin.get(f"/admin/system/circuit-breakers/{acme.bot_id}").raise_for_status().json()["phase"])


def questions(admin: httpx.Client, acme: Acme) -> Counter[str]:
    """Asked while the bot waits for Telegram; each must be answered at once."""
    slow: Counter[str] = Counter()
    for path in ("/health/live", "/health/ready", "/admin/system/stats", f"/admin/system/bot-health/{acme.bot_id}"):
        answer = admin.get(path).raise_for_status()
        if answer.elapsed.total_seconds() > AT_ONCE_S:
            slow[path] += 1
    return slow


def test_every_command_ends_once_nothing_is_sent_twice_and_the_breaker_opens_and_closes(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, **SHORT).start()
    acme = Acme(gateway, sandbox)
    load, slow = Load(acme), Counter[str]()
    with gateway.admin() as admin:
        with load.going_on():
            until(lambda: len(load.told) > 50)
            with stopped(sandbox):
                # Commands in flight end by their time-outs, the breaker opens, and its first probe is lost too.
                for wanted in ("open", "half_open", "open"):
                    until(lambda wanted=wanted: phase(admin, acme) == wanted)  # type: ignore[misc]
                    slow += questions(admin, acme)
            until(lambda: phase(admin, acme) == "closed")
            before = len(load.told)
            until(lambda: len(load.told) > before + 50)
        until(lambda: admin.get("/admin/system/stats").json()["fleet"]["open_commands"] == 0)
    with acme.client() as client:
        after = [acme.send(client, chat, f"{chat}-after").json()["outcome"] for chat in (100, 101, 200, 201)]
    assert gateway.stop() == 0
    log, texts = Log(gateway), sandbox.texts(acme.bot_id)

    # Nobody is stuck, and nobody else was kept waiting.
    assert after == ["delivered"] * 4
    assert slow == {}
    # One outcome each, and it is what callers were told.
    told = {answer["command_id"]: answer["outcome"] for _, answer in load.told if answer.get("outcome")}
    assert told.items() <= log.outcome.items()
    # Nothing twice; what was delivered is there, and what was not sent is not.
    assert len(set(texts)) == len(texts)
    ended = {text: log.outcome[answer["command_id"]] for text, answer in load.told if text}
    assert {text for text, outcome in ended.items() if outcome == "delivered"} <= set(texts)
    assert not {text for text, outcome in ended.items() if outcome == "not_sent"} & set(texts)
    # It was what it should be a test of.
    assert {"delivered", "uncertain"} <= set(ended.values())
    assert {"breaker-opened", "breaker-half-opened", "breaker-closed", "attempt-failed"} <= set(log.topics)
