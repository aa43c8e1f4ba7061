"""Sandbox and gateway as processes of their own, each known by its address and, should it die, by its last words."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import ops
from domain.rules.tokens import without_tokens
from ops.settings import PREFIX

ROOT = Path(ops.__file__).parents[1]
STARTS_WITHIN_S = 30.0
STOPS_WITHIN_S = 30.0
LAST_LINES = 12
MAX_LINE_BYTES = 1024 * 1024
LISTENING = re.compile(r"listening on (http://\S+)")

SANDBOX = ("-m", "ops.sandbox", "--port", "0")
GATEWAY = ("-c", "from ops.cli import app; app()", "serve")


class ChildDied(Exception):
    """Its text says which process it was, and what it said last."""


class Child:
    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.pid = process.pid
        self.url = ""
        self._process = process
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._listening = asyncio.create_task(self._listen())

    async def announced(self) -> None:
        """Its address is known from here on. Raises ChildDied."""
        assert self._process.stdout is not None  # noqa: S101  made with a pipe
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                async for line in self._process.stdout:
                    if found := LISTENING.search(line.decode(errors="replace")):
                        self.url = found[1]
                        return
                await self._process.wait()
        except TimeoutError:
            raise ChildDied(f"{self.name} said no address within {STARTS_WITHIN_S:g} s") from None
        raise await self.death()

    async def death(self) -> ChildDied:
        """Waits for its end, which may never come."""
        code = await self._process.wait()
        await self._listening
        said = "".join(f"\n    {line}" for line in self._said) or " without a word"
        return ChildDied(f"{self.name} ended with {code}:{said}")

    async def stopped(self, within_s: float = STOPS_WITHIN_S) -> int:
        """Told to stop, and given the time to do it well. Gives its exit code."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(within_s):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        code = await self._process.wait()
        await self._listening
        return code

    async def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101  made with a pipe
        async for line in self._process.stderr:
            self._said.append(without_tokens(line.decode(errors="replace").rstrip()))


@asynccontextmanager
async def child(
    name: str, arguments: tuple[str, ...], directory: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """Our Python with these arguments, up and announced. It runs in `directory`, so that nobody's `.env` is read."""
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=PIPE,
        stderr=PIPE,
        limit=MAX_LINE_BYTES,
        cwd=directory,
        env={**inherited, "PYTHONPATH": str(ROOT), **(environment or {})},
        # Ctrl-C reaches a whole group of processes; these are to be stopped by us, in order.
        start_new_session=True,
    )
    started = Child(name, process)
    try:
        await started.announced()
        yield started
    finally:
        await started.stopped()


@asynccontextmanager
async def loft(
    directory: Path, settings: Mapping[str, object], sandbox_flags: tuple[str, ...] = ()
) -> AsyncIterator[tuple[Child, Child]]:
    """A sandbox, and a gateway that takes it for Telegram. `settings` by their names without the prefix."""
    async with child("the sandbox", (*SANDBOX, *sandbox_flags), directory) as sandbox:
        named = {"STATE_DIR": directory / "state", "PORT": 0, "TELEGRAM_API": sandbox.url, **settings}
        environment = {f"{PREFIX}{name}": str(value) for name, value in named.items()}
        async with child("the gateway", GATEWAY, directory, environment) as gateway:
            yield sandbox, gateway
