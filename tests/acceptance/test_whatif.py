"""Policy replay through the front doors: over HTTP, and on the command line, beside a running gateway and alone."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import COMMAND, ROOT, Acme, Gateway


def on_the_command_line(gateway: Gateway, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "whatif", *flags],
        capture_output=True,
        text=True,
        env={**gateway.environment, "COLUMNS": "130"},
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def replayed(acme: Acme, began: datetime, **policy: object) -> dict[str, Any]:
    asked = {"from": began.isoformat(), "to": datetime.now(UTC).isoformat(), "policy": policy}
    with acme.client() as client:
        return dict(client.post("/api/whatif", json=asked).raise_for_status().json())


def test_what_a_breaker_would_have_done(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme, other = Acme(gateway, sandbox), Acme(gateway, sandbox, "Other")
    began = datetime.now(UTC) - timedelta(seconds=1)
    with acme.client() as client, other.client() as theirs:
        for chat in (1, 2, 3):
            acme.send(client, chat, "x")
            other.send(theirs, chat, "x")
        sandbox.fault("status", status=502, method="sendMessage", bot_id=acme.bot_id, times=4)
        for chat in range(1, 9):
            acme.send(client, chat, "x")
    report = replayed(acme, began, breaker_failures=3)
    beside = on_the_command_line(gateway, "--from", began.isoformat(), "--breaker-failures", "3", "--json")
    table = on_the_command_line(
        gateway, "--from", began.isoformat(), "--breaker-failures", "3", "--tenant", acme.tenant_id
    )
    gateway.stop()
    without = on_the_command_line(gateway, "--from", began.isoformat(), "--breaker-failures", "3", "--json")
    gateway.start()

    happened = {"delivered": 7, "rejected": 0, "not_sent": 0, "uncertain": 4}
    assert (happened, happened) == (report["recorded"]["outcomes"], report["today"]["outcomes"])
    assert {"delivered": 3, "rejected": 0, "not_sent": 5, "uncertain": 3} == report["other"]["outcomes"]
    assert {"breaker_open": 5} == report["other"]["not_sent_because"]
    assert ({}, 11, None) == (report["model_error"]["outcomes_changed"], report["commands"], report["also_replayed"])
    assert (0, 14) == (beside.returncode, json.loads(beside.stdout)["commands"])
    assert json.loads(beside.stdout)["other"]["not_sent_because"] == report["other"]["not_sent_because"]
    assert json.loads(without.stdout)["other"]["outcomes"] == json.loads(beside.stdout)["other"]["outcomes"]
    assert (0, "") == (table.returncode, table.stderr)
    assert "11 commands of 1 bots" in table.stdout
    assert "breaker_failures 5 → 3" in table.stdout


def test_the_command_line_says_what_is_wrong_with_a_question(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client:
        acme.send(client, 1, "x")
    told = {
        flags: on_the_command_line(gateway, *flags)
        for flags in (
            ("--bot-rps", "5", "--from", "2020-01-01", "--to", "2020-01-02"),
            ("--bot-rps", "5", "--from", "soon"),
            ("--breaker-failures", "0"),
            (),
        )
    }

    assert {1} == {ended.returncode for ended in told.values()}
    assert [
        "The log has no command of that time.",
        "--from: 'soon' is no time like 2026-07-01T12:00.",
        "The policy: Expected `int` >= 1 - at `--breaker-failures`",
        "The other policy is today's: change a number of it.",
    ] == [ended.stderr.strip() for ended in told.values()]
