"""The limits of several processes together, kept in Redis: each moment is reserved there, by Redis's own clock.

A moment is reserved with one question, so nobody asks again and again, and processes that want more take turns. While
Redis is away each process goes at its own pace, and asks once a second whether it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from actors.ports import Clock

ASK_S = 0.25
"""What a question may take. A command waits for one of them at most: then Redis is away."""
AGAIN_S = 1.0
INTERVALS_MAX = 100
"""What lies further ahead was not reserved by anybody: somebody has set Redis's clock back."""

RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local at = tonumber(redis.call('GET', KEYS[1])) or now
if at < now or at > now + interval * tonumber(ARGV[2]) then
    at = now
end
redis.call('SET', KEYS[1], string.format('%.0f', at + interval), 'PX', math.ceil((at + interval - now) / 1000) + 1)
return at - now
"""
"""In microseconds. The key holds when the next moment is; without it that is now."""

log = structlog.get_logger()


class RedisPace:
    storage = "redis"

    def __init__(self, uri: str, clock: Clock) -> None:
        """To be made in a running loop; connects with the first question."""
        self.is_shared = True
        self._clock = clock
        self._redis = Redis.from_url(uri, socket_connect_timeout=ASK_S, retry=Retry(NoBackoff(), 0))
        self._script = self._redis.register_script(RESERVE)
        self._is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def reserve(self, name: str, interval_s: float, then: Callable[[float], None]) -> None:
        if self._is_closed:
            return
        if self.is_shared:
            self._beside(self._reserve(name, interval_s, then))
        else:
            then(self._clock.steady())

    async def close(self) -> None:
        """Nobody goes any more."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(RedisError, OSError):
            await self._redis.aclose()

    async def _reserve(self, name: str, interval_s: float, then: Callable[[float], None]) -> None:
        try:
            in_s = await self._ask(name, interval_s)
        except Exception as error:  # noqa: BLE001  whatever it is, no command may wait for it
            if self._is_closed:
                # The client tells of a connection that was lost, where this task was cancelled.
                return
            self._is_away(error)
            in_s = 0.0
        then(self._clock.steady() + in_s)

    async def _ask(self, name: str, interval_s: float) -> float:
        async with asyncio.timeout(ASK_S):
            interval_us = max(1, round(interval_s * 1e6))
            return int(await self._script(keys=[f"botloft:{name}"], args=[interval_us, INTERVALS_MAX])) / 1e6

    def _is_away(self, error: Exception) -> None:
        if self.is_shared:
            self.is_shared = False
            # Its class alone: the text may name the address, and who knows what else.
            log.warning("shared_limit_away", error=type(error).__name__, instead="each process at its own limit")
            self._beside(self._until_it_is_back())

    async def _until_it_is_back(self) -> None:
        while not (self.is_shared or self._is_closed):
            await asyncio.sleep(AGAIN_S)
            with suppress(Exception):
                # The question itself: a Redis that answers pings and takes no writes is of no use.
                await self._ask("probe", 1e-6)
                self.is_shared = True
                log.info("shared_limit_back")

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
