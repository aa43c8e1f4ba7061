"""The gateway as its users meet it: a process, an address, keys. It can be killed and started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from domain.store.database import sqlite_url
from ops.sandbox.client import SandboxClient

START_WITHIN_S = 60
STOP_WITHIN_S = 60
LISTENING = re.compile(r"botloft listening on (\S+)")
ROOT = Path(__file__).parents[2]
OF_OTHERS = ("RATE_LIMIT_STORAGE_URI", "RATE_LIMIT_WHITELIST", "DISABLE_RATE_LIMITING")
"""Settings with names of their own."""
FAST = {"FLEET_RPS": "0", "BOT_RPS": "0", "CHAT_RPS": "0", "GROUP_RPM": "0"}
"""No pace of our own: for tests that are not about pace."""


COMMAND = (sys.executable, "-c", "from ops.cli import app; app()")


class Gateway:
    command = COMMAND
    url_of: Callable[[Path], str] | None = None
    """Where the log of the gateway with this state directory is; None: in it."""

    def __init__(self, state_dir: Path, telegram: str, **settings: str) -> None:
        self.state_dir = state_dir
        self.log = state_dir.parent / f"{state_dir.name}.log"
        self.base_url = ""
        self.admin_key = "an admin key that only these tests know"
        self._settings = {"ADMIN_KEY": self.admin_key, "PORT": "0", "TELEGRAM_API": telegram, **settings}
        if Gateway.url_of is not None:
            self._settings.setdefault("DATABASE_URL", Gateway.url_of(state_dir))
        self._process: subprocess.Popen[str] | None = None

    @property
    def database_url(self) -> str:
        return self._settings.get("DATABASE_URL", sqlite_url(self.state_dir / "botloft.db"))

    @property
    def environment(self) -> dict[str, str]:
        own = {name if name in OF_OTHERS else f"BOTLOFT_{name}": value for name, value in self._settings.items()}
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("BOTLOFT_", *OF_OTHERS))}
        return {**clean, **own, "BOTLOFT_STATE_DIR": str(self.state_dir), "PYTHONPATH": str(ROOT)}

    def launch(self) -> None:
        """Without waiting until it listens."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*self.command, "serve"], stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment, cwd=ROOT
            )

    def start(self) -> Gateway:
        self.launch()
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = LISTENING.match(line)
        assert found is not None, f"{line!r}\n{self.log.read_text()}"
        self.base_url = found[1]
        return self

    def says(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the command line, with the same settings."""
        return subprocess.run(
            [*self.command, *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=ROOT,
            timeout=START_WITHIN_S,
            check=False,
        )

    def ended(self) -> int:
        """Of itself, with this code."""
        return self._end(None)

    def kill(self) -> None:
        """As the system does it: no warning."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def told_to_stop(self) -> None:
        """Without waiting until it has."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def _end(self, number: signal.Signals | None) -> int:
        assert self._process is not None
        process, self._process = self._process, None
        if number is not None:
            process.send_signal(number)
        try:
            return process.wait(STOP_WITHIN_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def refuses_to_start(self) -> str:
        """What it says on standard error; it must end by itself, and not well."""
        ended = self.says("serve")
        assert ended.returncode == 1, ended.stderr
        return ended.stderr

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=60, trust_env=False)

    def admin(self) -> httpx.Client:
        return self.client(self.admin_key)


class Acme:
    """A tenant with a bot, and what it does all day."""

    def __init__(self, gateway: Gateway, sandbox: SandboxClient, name: str = "Acme") -> None:
        with gateway.client() as anyone:
            registered = anyone.post("/auth/register", json={"name": name}).raise_for_status().json()
        self.tenant_id, self.key = str(registered["tenant_id"]), str(registered["api_key"])
        self._gateway = gateway
        bot = sandbox.add_bot()
        self.token = bot.token
        self.bot_id = bot.bot_id
        with self.client() as client:
            client.post("/api/bots", json={"token": bot.token}).raise_for_status()

    def client(self) -> httpx.Client:
        return self._gateway.client(self.key)

    def client_of(self, other: Gateway) -> httpx.Client:
        """Of another process over the same state."""
        return other.client(self.key)

    def command(self, client: httpx.Client, method: str, **parameters: Any) -> httpx.Response:
        return client.post(f"/api/bots/{self.bot_id}/commands/{method}", json=parameters)

    def send(self, client: httpx.Client, chat_id: int, text: str) -> httpx.Response:
        return self.command(client, "sendMessage", chat_id=chat_id, text=text)

    def health(self, client: httpx.Client, at_least: int = 0) -> dict[str, Any]:
        answer = client.get(f"/api/bots/{self.bot_id}/health", params={"at_least": at_least}).raise_for_status()
        return dict(answer.json())
