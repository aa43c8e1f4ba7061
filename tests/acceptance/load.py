"""Callers who ask one thing after another for as long as a test goes on, and what they were told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.acceptance.gateway_process import Acme

SENDERS, ASYNC_SENDERS, READERS = 4, 2, 2
PAUSE_S = 0.02
COMES_WITHIN_S = 60


@dataclass
class Load:
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
