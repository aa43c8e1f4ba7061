"""What a bot's ear works with, and how it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actors.doorstep import Doorstep
from actors.messages import ClearAlert, RaiseAlert
from actors.ports import Calling, Ports
from domain import streams
from domain.errors import StoreError
from domain.events import WebhookEvent


@dataclass(frozen=True, slots=True)
class Tools:
    ports: Ports
    polls: Calling
    """A way to Telegram of its own: a poll that waits takes no place from a command."""
    turns: asyncio.Semaphore
    """Of polls at once."""
    doorstep: Doorstep
    public_url: str | None
    watchdog_s: float
    certificate: Path | None
    """Telegram is to trust this one, because nobody it knows vouches for it."""
    alert: Callable[[RaiseAlert | ClearAlert], None]
    check_token: Callable[[int], None]
    """Told of a bot whose token Telegram has refused."""
    settled: Callable[[int], None] = lambda _: None
    """Told of a bot that hears nothing any more and has nothing of ours at Telegram."""


async def waited(ports: Ports, seconds: float) -> None:
    rings: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = ports.timers.at(ports.clock.steady() + seconds, lambda: None if rings.done() else rings.set_result(None))
    try:
        await rings
    finally:
        timer.cancel()


async def recorded(ports: Ports, event: WebhookEvent) -> bool:
    """Once it is on disk."""
    written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def then(result: int | StoreError) -> None:
        if not written.done():
            written.set_result(not isinstance(result, StoreError))

    ports.journal.write(streams.updates_stream(event.bot_id), None, (event,), then)
    return await written
