"""A backup beside a gateway that works, and its restore on another machine, as docs/runbook.md has it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.postgres_server import PostgresServer


class World:
    """A tenant's day. When it is backed up, Telegram has one command that it has not answered, and one waits behind."""

    def __init__(self, gateway: Gateway, sandbox: SandboxClient) -> None:
        self.gateway, self.sandbox = gateway, sandbox
        self.acme, self.other = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
        with self.acme.client() as client:
            self.delivered = keyed(client, self.acme, "before the backup").raise_for_status()
            self.position = self.delivered.json()["position"]
            self.acme.health(client, self.position)
        sandbox.fault("hang_after", method="sendMessage", bot_id=self.other.bot_id)
        with self.other.client() as client:
            self.open = [keyed(client, self.other, text, Prefer="respond-async") for text in ("first", "second")]
        while not sandbox.texts(self.other.bot_id):
            pass

    def goes_on(self) -> None:
        """Over a crash, and the command that waited is sent: of this the backup knows nothing."""
        self.gateway.kill()
        self.sandbox.clear_faults()
        self.gateway.start()
        while len(self.sandbox.texts(self.other.bot_id)) < len(self.open):
            pass
        self.gateway.kill()

    def is_back(self, again: Gateway) -> None:
        with self.acme.client_of(again) as client, self.other.client_of(again) as other:
            replayed = keyed(client, self.acme, "before the backup")
            story = client.get(f"/api/commands/{self.delivered.json()['command_id']}").json()
            health = self.acme.health(client, self.position)
            sent = self.acme.send(client, 5, "on the new machine").json()["outcome"]
            bots = [one["bot_id"] for one in client.get("/api/bots").json()["bots"]]
            stories = [other.get(one.headers["location"]).json() for one in self.open]
        with again.admin() as admin:
            acts = admin.get("/api/events?topics=admin-acted").text

        assert (replayed.headers.get("idempotent-replayed"), replayed.json()) == ("true", self.delivered.json())
        assert (story["outcome"], health["total_requests"]) == ("delivered", 1)
        assert (bots, sent) == ([self.acme.bot_id], "delivered")
        assert [one["outcome"] for one in stories] == ["uncertain", "uncertain"]
        assert self.sandbox.texts(self.other.bot_id) == ["first", "second"]
        assert '"action":"log.restore"' in acts


def keyed(client: httpx.Client, tenant: Acme, text: str, **headers: str) -> httpx.Response:
    path = f"/api/bots/{tenant.bot_id}/commands/sendMessage"
    return client.post(
        path, json={"chat_id": 5, "text": text}, headers={"Idempotency-Key": text.replace(" ", "-"), **headers}
    )


def test_a_backup_of_sqlite_is_restored_with_everything_up_to_it_and_nothing_is_sent_twice(
    gateway: Gateway, sandbox: SandboxClient, tmp_path: Path
) -> None:
    world, backup = World(gateway, sandbox), tmp_path / "backup"
    made = gateway.says("backup", str(backup))
    assert (made.returncode, "THE MASTER KEY IS NOT IN IT" in made.stdout) == (0, True), made.stderr
    world.goes_on()
    again = Gateway(tmp_path / "elsewhere", sandbox.base_url, **FAST)
    again.state_dir.mkdir()
    shutil.copy(gateway.state_dir / "master.key", again.state_dir)
    restored = again.says("restore", str(backup))
    assert (restored.returncode, "uncertain: 2." in restored.stdout) == (0, True), restored.stderr
    again.start()
    world.is_back(again)
    again.stop()


def test_a_dump_of_postgresql_is_restored_in_the_same_way(
    sandbox: SandboxClient, tmp_path: Path, postgres: PostgresServer, new_postgres_url: Callable[[], str]
) -> None:
    dump_program, restore_program = postgres.program("pg_dump"), postgres.program("pg_restore")
    if dump_program is None or restore_program is None:
        pytest.skip("no pg_dump on this machine")
    gateway = Gateway(tmp_path / "state", sandbox.base_url, DATABASE_URL=new_postgres_url(), **FAST).start()
    world, dump = World(gateway, sandbox), tmp_path / "botloft.dump"
    run(dump_program, "--format=custom", "--compress=0", f"--file={dump}", gateway.database_url)
    secrets = [text.encode() for text in (world.acme.token.partition(":")[2], world.acme.key, "before the backup")]
    found = [one for one in secrets if one in dump.read_bytes() or one.hex().encode() in dump.read_bytes()]
    assert found == []
    world.goes_on()
    fresh = postgres.url(postgres.a_new_database("template0"))
    run(restore_program, "--no-owner", f"--dbname={fresh}", str(dump))
    again = Gateway(gateway.state_dir, sandbox.base_url, DATABASE_URL=fresh, **FAST)
    restored = again.says("restore")
    assert (restored.returncode, "uncertain: 2." in restored.stdout) == (0, True), restored.stderr
    again.start()
    world.is_back(again)
    again.stop()


def run(*command: Path | str) -> None:
    subprocess.run(command, check=True, capture_output=True)
