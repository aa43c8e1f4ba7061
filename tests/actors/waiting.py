"""Waiting for what happens on a loop, without sleeping: as long as it takes, and never longer than it may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pykka

SOON_S = 10.0
"""Nothing takes so long; a test that waits for it has failed."""
TURNS = 30


async def a_turn(after_s: float = 0.0) -> None:
    """Lets the loop do what it has in hand."""
    loop = asyncio.get_running_loop()
    turned: asyncio.Future[None] = loop.create_future()
    loop.call_later(after_s, lambda: None if turned.done() else turned.set_result(None))
    await turned


class Threads:
    """What the running loop has its threads do, from now on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._run = self._loop.run_in_executor
        self._under_way: set[asyncio.Future[Any]] = set()
        self._loop.run_in_executor = self._runs  # type: ignore[method-assign]

    async def rest(self, each: Callable[[], None], may_end: Callable[[], bool] = lambda: True) -> None:
        """For what must not happen: what is in threads comes to its end, and then many turns, in which it would have.

        `may_end`: False while the test itself keeps a thread waiting.
        """
        async with asyncio.timeout(SOON_S):
            turns = 0
            while turns < TURNS:
                is_busy = bool(self._under_way) and may_end()
                turns = 0 if is_busy else turns + 1
                each()
                await a_turn(0.0005 if is_busy else 0.0)

    def _runs(self, executor: Any, work: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = self._run(executor, work, *args)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():
            await a_turn(0.001)


async def answer_of(actor: pykka.ActorRef[Any], message: object) -> Any:
    async with asyncio.timeout(SOON_S):
        return await actor.ask(message, block=False)
