"""Replays for the gateway: one at a time, each in a process of its own that takes nothing from live commands."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from domain.whatif.policy import Policy
from domain.whatif.question import Busy, Question, TooMuch
from domain.whatif.report import Report
from ops.whatif.job import KINDS, Done, Job

AT_MOST_S = 60.0
ROOT = Path(__file__).parents[2]


class ReplayFailed(Exception):
    """The process ended without an answer."""


class Replays:
    def __init__(self, database_url: str, today: Policy) -> None:
        self._database_url, self._today = database_url, today
        self._is_busy = False

    async def __call__(self, question: Question) -> Report:
        """Raises NoAnswer."""
        if self._is_busy:
            raise Busy("Another replay is under way. Ask again in a few seconds.")
        self._is_busy = True
        try:
            return await self._answered(Job(self._database_url, self._today, question))
        finally:
            self._is_busy = False

    async def _answered(self, job: Job) -> Report:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ops.whatif",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(AT_MOST_S):
                told, _ = await process.communicate(msgspec.json.encode(job))
        except TimeoutError:
            raise TooMuch(f"It took longer than {AT_MOST_S:g} s and was stopped. Ask for a shorter range.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise ReplayFailed(f"exit code {process.returncode}")
        return _read(told)


def _read(told: bytes) -> Report:
    done = msgspec.json.decode(told, type=Done)
    if done.refused is not None:
        raise KINDS[done.refused.kind](done.refused.sentence)
    if done.report is None:
        raise ReplayFailed("an empty answer")
    return done.report


def _environment() -> dict[str, str]:
    """Settings hold secrets, and a replay needs none."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("BOTLOFT_", "RATE_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))}
