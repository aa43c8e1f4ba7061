"""Waiting for what happens on a loop, without sleeping: as long as it takes, and never longer than it may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pykka

SOON_S = 10.0
"""Nothing takes so long; a test that waits for it has failed."""


async def a_turn(after_s: float = 0.0) -> None:
    """Lets the loop do what it has in hand."""
    loop = asyncio.get_running_loop()
    turned: asyncio.Future[None] = loop.create_future()
    loop.call_later(after_s, lambda: None if turned.done() else turned.set_result(None))
    await turned


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():
            await a_turn(0.001)


async def answer_of(actor: pykka.ActorRef[Any], message: object) -> Any:
    async with asyncio.timeout(SOON_S):
        return await actor.ask(message, block=False)
