"""One courier for each bot that has a webhook, and the connections they share."""

from __future__ import annotations

import asyncio

import aiohttp

from ops.sandbox.delivery import ANSWER_WITHIN_S, Answer, Courier
from ops.sandbox.world import Bot


class Couriers:
    def __init__(self, answer: Answer, retry_base_s: float) -> None:
        self._answer = answer
        self._retry_base_s = retry_base_s
        self._by_bot: dict[int, Courier] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def follow(self, bot: Bot) -> None:
        """A webhook was set or removed: whoever served the old one stops, and the new one is served."""
        former = self._by_bot.pop(bot.bot_id, None)
        if former is not None:
            bot.inbox.on_arrival = None
            leaving = asyncio.get_running_loop().create_task(former.stop())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        if bot.webhook is not None:
            self._by_bot[bot.bot_id] = Courier(bot, bot.webhook, self._shared(), self._answer, self._retry_base_s)

    async def close(self) -> None:
        couriers = list(self._by_bot.values())
        self._by_bot.clear()
        await asyncio.gather(*(courier.stop() for courier in couriers), *self._leaving)
        if self._session is not None:
            await self._session.close()

    def _shared(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Each courier bounds its own; a bound for all of them would let a slow receiver hold up the others.
            connector = aiohttp.TCPConnector(limit=0)
            timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session
