"""Telegram stops dead under load, for longer than anybody waits for it, and goes on as if nothing had been."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.load import Load, until
from tests.acceptance.logs import Log

SHORT = {"TELEGRAM_TIMEOUT_S": "1", "BREAKER_COOLDOWN_S": "1"}
AT_ONCE_S = 1.0
"""On a busy machine; what waits for Telegram takes longer."""


@contextmanager
def stopped(sandbox: SandboxClient) -> Iterator[None]:
    assert sandbox.pid is not None
    os.kill(sandbox.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(sandbox.pid, signal.SIGCONT)


def phase(admin: httpx.Client, acme: Acme) -> str:
    return str(admin.get(f"/admin/system/circuit-breakers/{acme.bot_id}").raise_for_status().json()["phase"])


def questions(admin: httpx.Client, acme: Acme) -> dict[str, float]:
    """Asked while the bot waits for Telegram, with how long each answer took."""
    paths = ("/health/live", "/health/ready", "/admin/system/stats", f"/admin/system/bot-health/{acme.bot_id}")
    return {path: admin.get(path).raise_for_status().elapsed.total_seconds() for path in paths}


def test_every_command_ends_once_nothing_is_sent_twice_and_the_breaker_opens_and_closes(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, **SHORT).start()
    acme = Acme(gateway, sandbox)
    load, took_s = Load(acme), list[dict[str, float]]()
    with gateway.admin() as admin:
        with load.going_on():
            until(lambda: len(load.told) > 50)
            with stopped(sandbox):
                # Commands in flight end by their time-outs, the breaker opens, and its first probe is lost too.
                for wanted in ("open", "half_open", "open"):
                    until(lambda wanted=wanted: phase(admin, acme) == wanted)  # type: ignore[misc]
                    took_s.append(questions(admin, acme))
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
    assert {path for path in took_s[0] if median(one[path] for one in took_s) > AT_ONCE_S} == set()
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
