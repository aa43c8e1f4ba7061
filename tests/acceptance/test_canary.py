"""After a run with failures of every kind no token, key or secret is anywhere that somebody may look."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.hearing import SECRET, Hearing, free_port

FAULTS = (
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 404},
    {"kind": "flood", "retry_after": 1},
    {"kind": "close_before"},
    {"kind": "close_after"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "hang_after"},
    {"kind": "malformed"},
    {"kind": "truncated"},
    {"kind": "html"},
)


ALERT_SECRET = "what signs alerts to the operator"
SAID = "between the two of us alone"


@pytest.fixture
def exposed(tmp_path: Path, sandbox: SandboxClient) -> Iterator[Gateway]:
    """With every secret that a gateway may have, and nobody at the other ends."""
    port = str(free_port())
    gateway = Gateway(
        tmp_path / "state",
        sandbox.base_url,
        PORT=port,
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        CALLBACK_ALLOW_PRIVATE="true",
        ALERT_URL="http://127.0.0.1:9/alerts",
        ALERT_SECRET=ALERT_SECRET,
        BREAKER_FAILURES="1000",
        **FAST,
    ).start()
    yield gateway
    if gateway.is_running:
        gateway.kill()


def test_no_secret_is_in_a_log_a_database_a_command_line_or_an_answer(
    exposed: Gateway, sandbox: SandboxClient, tmp_path: Path
) -> None:
    gateway = exposed
    acme, other = Acme(gateway, sandbox), sandbox.add_bot()
    secrets = [acme.token, acme.token.partition(":")[2], other.token.partition(":")[2], acme.key, gateway.admin_key]
    secrets += [ALERT_SECRET, gateway_key(gateway)]
    answers = [answer.text for answer in faults_of_every_kind(gateway, sandbox, acme, other.token)]
    secrets += secrets_of_hearing(gateway, sandbox, acme)
    commands = [
        gateway.says(*words, "--url", gateway.base_url)
        for words in (("vault", "rotate"), ("vault", "status"), ("events", "export", "--out", str(tmp_path / "events")))
    ]
    commands += [gateway.says("settings"), gateway.says("backup", str(tmp_path / "backup"))]
    secrets.append(gateway_key(gateway))
    command_line = Path(f"/proc/{gateway.pid}/cmdline").read_bytes()
    gateway.kill()

    assert [0] * len(commands) == [one.returncode for one in commands], commands
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "master.key"]
    places = {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}
    assert {"state/botloft.db", "state/botloft.db-wal", "state/views.db", "backup/botloft.db"} <= places.keys()
    assert {"state.log", "events"} <= places.keys()
    found = [name for name, content in places.items() if SAID.encode() in content]
    places["answers"] = "".join(answers).encode()
    places["commands"] = "".join(one.stdout + one.stderr for one in commands).encode()
    places["command line"] = command_line
    found += [f"{name}: {one[:12]}" for name, text in places.items() for one in secrets if one.encode() in text]
    assert (found, len(set(secrets))) == ([], 12)


def gateway_key(gateway: Gateway) -> str:
    return (gateway.state_dir / "master.key").read_text().split()[0]


def faults_of_every_kind(
    gateway: Gateway, sandbox: SandboxClient, acme: Acme, other_token: str
) -> Iterator[httpx.Response]:
    with acme.client() as client, gateway.admin() as admin:
        for number, fault in enumerate(FAULTS):
            details = dict(fault)
            sandbox.fault(str(details.pop("kind")), method="sendMessage", **details)
            yield client.post(
                f"/api/bots/{acme.bot_id}/commands/sendMessage",
                json={"chat_id": number, "text": "x"},
                headers={"X-Deadline-S": "2"},
            )
        sandbox.clear_faults()
        sandbox.fault("status", status=400, description=f"Bad Request: who is {acme.token}?", method="sendMessage")
        yield acme.send(client, 1, "x")
        yield client.post("/api/bots", json={"token": other_token[:-1] + "!"})
        for path in ("/api/bots", "/api/keys", f"/api/bots/{acme.bot_id}/commands"):
            yield client.get(path)
        for path in ("stats", "bot-health/summary", "vault"):
            yield admin.get(f"/admin/system/{path}")


def secrets_of_hearing(gateway: Gateway, sandbox: SandboxClient, acme: Acme) -> list[str]:
    """Its webhook's and its callback's, once a message has come in, and bad ones; then the token is revoked."""
    hearing = Hearing(gateway, sandbox, acme)
    with acme.client() as client, gateway.client() as anyone:
        callback = {"callback_url": "http://127.0.0.1:9/a-path-that-only-the-tenant-knows"}
        made = client.patch(f"/api/bots/{acme.bot_id}", json=callback).raise_for_status().json()
        hearing.wants("webhook").raise_for_status()
        client.post(
            f"/api/bots/{acme.bot_id}/commands/sendMessage",
            json={"chat_id": 1, "text": SAID},
            headers={"Idempotency-Key": "order-1"},
        ).raise_for_status()
        path, secret = urlsplit(hearing.webhook()["url"]).path, hearing.secret()
        sandbox.say(acme.bot_id, 1, SAID)
        hearing.has_come_to(1)
        for place, shown in ((path, "wrong"), (path + "x", secret), (f"/webhook/{secret}", secret)):
            assert anyone.post(place, json={"update_id": 1}, headers={SECRET: shown}).status_code == 404
        anyone.post(path, content=b"x" * 2_000_000, headers={SECRET: secret})
        sandbox.revoke(acme.bot_id)
        acme.send(client, 1, "x")
    return [path.rpartition("/")[2], secret, made["callback_secret"], "a-path-that-only-the-tenant-knows"]


def test_a_gateway_that_crashes_leaves_no_picture_of_its_memory_though_its_shell_allows_one(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    allowed = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (allowed[1], allowed[1]))
    try:
        anything = subprocess.Popen(["/bin/sh", "-c", "kill -SEGV $$"], cwd=tmp_path)
        _, usual = os.waitpid(anything.pid, 0)
        anything.wait()
        gateway = Gateway(tmp_path / "state", sandbox.base_url).start()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, allowed)
    os.kill(gateway.pid, signal.SIGSEGV)
    _, ended = os.waitpid(gateway.pid, 0)
    gateway.ended()
    if not os.WCOREDUMP(usual):
        pytest.skip("this machine dumps no cores at all")

    assert (os.WTERMSIG(ended), os.WCOREDUMP(ended)) == (signal.SIGSEGV, False)


def test_the_made_master_key_is_for_its_owner_alone(gateway: Gateway) -> None:
    mode = Path(gateway.state_dir / "master.key").stat().st_mode & 0o777

    assert mode == 0o600
