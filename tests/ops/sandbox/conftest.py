"""One sandbox in a process of its own for all these tests; each test has a bot that nobody else knows."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from ops.sandbox.client import NewBot, SandboxClient, running_sandbox


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def result(self) -> Any:
        return self.body["result"]

    @property
    def description(self) -> str:
        return self.body["description"]


class Ask(Protocol):
    def __call__(self, method: str, *, token: str = ..., within_s: float = ..., **params: Any) -> Answer: ...


def read(response: Any) -> Answer:
    raw = response.read()
    is_json = response.headers["Content-Type"] == "application/json"
    return Answer(response.status, json.loads(raw) if is_json else raw.decode(), dict(response.headers))


def call(url: str, body: bytes | None = None, content_type: str = "application/json", within_s: float = 10) -> Answer:
    request = Request(url, data=body, headers={"Content-Type": content_type})
    try:
        with urlopen(request, timeout=within_s) as response:
            return read(response)
    except HTTPError as refused:
        with refused:
            return read(refused)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxClient]:
    with running_sandbox(retry_base_s=0.01) as client:
        yield client


@pytest.fixture
def bot(sandbox: SandboxClient) -> NewBot:
    sandbox.clear_faults()
    return sandbox.add_bot()


@pytest.fixture
def ask(sandbox: SandboxClient, bot: NewBot) -> Ask:
    def ask(method: str, *, token: str = bot.token, within_s: float = 10, **params: Any) -> Answer:
        return call(f"{sandbox.base_url}/bot{token}/{method}", json.dumps(params).encode(), within_s=within_s)

    return ask


@pytest.fixture
def http() -> Callable[..., Answer]:
    return call


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], None]:
    def eventually(condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "it never came true"

    return eventually
