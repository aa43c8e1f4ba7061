"""A rotation of the master key as a job of the running gateway: one at a time, on a thread, with its numbers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from domain.errors import StoreError
from domain.store.rotation import MasterKeyStatus, Progress, Rotation

log = structlog.get_logger()


class VaultJob:
    def __init__(self, rotation: Rotation) -> None:
        self._rotation = rotation
        self._one = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._progress: Progress | None = None
        self._is_ending = False

    async def status(self) -> MasterKeyStatus:
        # In this order: one that is told as done has all its keys counted.
        progress = self._progress
        return MasterKeyStatus(await asyncio.to_thread(self._rotation.status), progress)

    async def rotate(self) -> None:
        """Begins it; one that runs already is as good. Raises CannotRotate and StoreError."""
        async with self._one:
            if self._running is not None and not self._running.done():
                return
            total = await asyncio.to_thread(self._rotation.begin)
            self._progress = Progress("running", 0, total, 0.0)
            self._running = asyncio.create_task(asyncio.to_thread(self._run, total))

    async def retire(self) -> list[str]:
        """Raises CannotRotate and StoreError."""
        async with self._one:
            return await asyncio.to_thread(self._rotation.retire)

    async def close(self) -> None:
        """What is left, the next rotation does."""
        self._is_ending = True
        if self._running is not None:
            await self._running

    def _run(self, total: int) -> None:
        def told(progress: Progress) -> bool:
            self._progress = progress
            return not self._is_ending

        self._progress = rotated(self._rotation, total, told)
        log.info("master_key_rotated", data_keys=self._progress.done, error=self._progress.error)


def vault_job(rotation: Rotation, stack: AsyncExitStack) -> VaultJob:
    job = VaultJob(rotation)
    stack.push_async_callback(job.close)
    return job


def rotated(rotation: Rotation, total: int, told: Callable[[Progress], bool]) -> Progress:
    """Runs one that has begun, to its end or until `told` says no more."""
    began, done = time.monotonic(), 0

    def progress(state: str, error: str | None = None) -> Progress:
        return Progress(state, done, max(done, total), done / max(time.monotonic() - began, 1e-6), error)

    def counted(now_done: int) -> bool:
        nonlocal done
        done = now_done
        return told(progress("running"))

    try:
        lost = rotation.run(counted)
    except StoreError as error:
        return progress("failed", f"{error} What is done is done: run it again.")
    if lost:
        return progress("failed", f"No master key opens the data keys of {', '.join(lost)}: they were changed.")
    return progress("done")
