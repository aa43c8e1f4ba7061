"""Counts of several processes together, kept in Redis. While it is away each process counts for itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.allowance import Allowance
from gateway.doors import Clock

ASK_S = 0.25
"""What a question may take. A request waits for one of them at most: then Redis is away."""
AGAIN_S = 1.0
PROBE = RateLimitItemPerSecond(1_000_000)

log = structlog.get_logger()


class SharedCounts:
    storage = "redis"

    def __init__(self, uri: str, clock: Clock) -> None:
        """To be made in a running loop; connects with the first question."""
        self.is_there = True
        self._clock = clock
        self._pool = ConnectionPool.from_url(uri, socket_connect_timeout=ASK_S, retry=Retry(NoBackoff(), 0))
        pool: Any = self._pool  # the library's hint knows of no pool, its documentation does
        storage = RedisStorage(f"async+{uri}", implementation="redispy", key_prefix="botloft", connection_pool=pool)
        self._limiter = MovingWindowRateLimiter(storage)
        self._returning: asyncio.Task[None] | None = None

    async def taken(self, rate: RateLimitItem, *who: str) -> Allowance | None:
        """None: it cannot be had, count without it."""
        if not self.is_there:
            return None
        try:
            return await self._ask(rate, *who)
        except Exception as error:  # noqa: BLE001  whatever it is, no request may fail of it
            self._is_away(error)
            return None

    async def close(self) -> None:
        if self._returning is not None:
            self._returning.cancel()
            await asyncio.wait({self._returning})
        with suppress(RedisError, OSError):
            await self._pool.disconnect()

    async def _ask(self, rate: RateLimitItem, *who: str) -> Allowance:
        async with asyncio.timeout(ASK_S):
            is_over = not await self._limiter.hit(rate, *who)
            next_at, remaining = await self._limiter.get_window_stats(rate, *who)
        # The library's times are those of the wall.
        return Allowance(rate, remaining, next_at - self._clock.utc().timestamp(), is_over)

    def _is_away(self, error: Exception) -> None:
        if self.is_there:
            self.is_there = False
            # Its class alone: the text may name the address, and who knows what else.
            log.warning("shared_counts_away", error=type(error).__name__, instead="each process counts for itself")
            self._returning = asyncio.create_task(self._until_it_is_back())

    async def _until_it_is_back(self) -> None:
        while not self.is_there:
            await asyncio.sleep(AGAIN_S)
            with suppress(Exception):
                # The question itself: a Redis that answers pings and takes no writes is of no use.
                await self._ask(PROBE, "probe")
                self.is_there = True
                log.info("shared_counts_back")
