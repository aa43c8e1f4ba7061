"""The fleet's limits shared through a real Redis: reserved evenly and in turns, and what happens while it is away."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from statistics import median
from typing import Any, Self

import pytest
from structlog.testing import capture_logs

from actors import shared_pace
from actors.permits import Permits
from actors.shared_pace import RedisPace
from ops.clock import LoopTimers, SystemClock
from tests.actors.waiting import SOON_S, a_turn, until
from tests.private_redis import PrivateRedis, private_redis

INTERVAL_S = 0.02
A_MOMENT_S = 0.002
"""The clocks of two processes are read one after the other."""


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    with private_redis() as server:
        yield server


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy host Redis may take longer than anybody waits for it."""
    monkeypatch.setattr(shared_pace, "ASK_S", SOON_S)


class Reserving:
    """One process's end of it."""

    def __init__(self, redis: PrivateRedis) -> None:
        self.pace = RedisPace(redis.uri, SystemClock())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pace.close()

    async def next(self, name: str = "fleet", interval_s: float = INTERVAL_S) -> float:
        moment: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.pace.reserve(name, interval_s, moment.set_result)
        return await moment


@pytest.mark.usefixtures("patience")
def test_moments_of_several_processes_are_one_interval_apart_and_go_to_each_in_turn(redis: PrivateRedis) -> None:
    async def story() -> None:
        async with Reserving(redis) as one, Reserving(redis) as other:
            began, reserved = time.monotonic(), []
            for _ in range(25):
                reserved += [("one", await one.next()), ("other", await other.next())]
            moments = [at for _, at in reserved]

            assert abs(median(later - earlier for earlier, later in pairwise(moments)) - INTERVAL_S) < A_MOMENT_S
            assert moments[-1] - began >= 49 * INTERVAL_S - A_MOMENT_S

    asyncio.run(story())


@pytest.mark.usefixtures("patience")
def test_what_nobody_took_is_not_saved_up(redis: PrivateRedis) -> None:
    async def story() -> None:
        async with Reserving(redis) as one:
            before = await one.next()
            idle_until = time.monotonic() + 5 * INTERVAL_S
            await until(lambda: time.monotonic() > idle_until)
            first, second = await one.next(), await one.next()

            assert first - before > 4 * INTERVAL_S
            assert second - idle_until > INTERVAL_S - A_MOMENT_S

    asyncio.run(story())


@pytest.mark.usefixtures("patience")
def test_each_limit_has_moments_of_its_own(redis: PrivateRedis) -> None:
    async def story() -> None:
        async with Reserving(redis) as one:
            now = time.monotonic()
            moments = [
                await one.next(name, 5.0) for name in ("fleet", "method:sendDocument", "method:createForumTopic")
            ]

            assert all(at - now < 1 for at in moments)

    asyncio.run(story())


@pytest.mark.usefixtures("patience")
def test_moments_far_ahead_are_forgotten_when_redis_s_clock_was_set_back(redis: PrivateRedis) -> None:
    async def story() -> None:
        async with Reserving(redis) as one:
            await one.pace._redis.set("botloft:fleet", int((time.time() + 3600) * 1e6))  # noqa: SLF001  as it leaves it

            assert await one.next() - time.monotonic() < 1

    asyncio.run(story())


class Bot:
    """A bot's place: it wants one more whenever it has had one."""

    def __init__(self, permits: Permits, wants: bool = True) -> None:
        self._permits, self._wants = permits, wants
        self.is_awake = True
        self.went: list[float] = []
        self.asks()

    def asks(self) -> None:
        while self._permits.take(self, "acme"):  # type: ignore[arg-type]  # all that a permit needs of a slot
            self.went.append(time.monotonic())

    def tell(self, _: object) -> None:
        self.went.append(time.monotonic())
        asyncio.get_running_loop().call_soon(self.asks)


def in_a_loop(redis: PrivateRedis, story: Callable[[Any], Awaitable[None]], processes: int = 1) -> None:
    async def told() -> None:
        paces = [RedisPace(redis.uri, SystemClock()) for _ in range(processes)]
        bots = [Bot(Permits(1 / INTERVAL_S, SystemClock(), LoopTimers(), shared=pace)) for pace in paces]
        try:
            await story(bots[0] if processes == 1 else bots)
        finally:
            for pace in paces:
                await pace.close()

    asyncio.run(told())


@pytest.mark.usefixtures("patience")
def test_two_that_want_all_get_half_each_and_together_the_limit(redis: PrivateRedis) -> None:
    began = time.monotonic()

    async def story(bots: list[Bot]) -> None:
        await until(lambda: sum(len(bot.went) for bot in bots) >= 60)
        one, other = (len(bot.went) for bot in bots)

        assert abs(one - other) <= 3
        assert max(bot.went[-1] for bot in bots) - began >= (one + other - 2) * INTERVAL_S - A_MOMENT_S

    in_a_loop(redis, story, processes=2)


@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_while_redis_is_away_each_goes_at_its_own_limit_and_comes_back_by_itself(
    redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(shared_pace, "AGAIN_S", 0.1)

    async def story(bot: Bot) -> None:
        pace = bot._permits._shared  # noqa: SLF001
        await until(lambda: len(bot.went) >= 5)
        getattr(redis, how)()
        await until(lambda: not pace.is_shared)
        lost_at, had = time.monotonic(), len(bot.went)
        await until(lambda: len(bot.went) >= had + 20)
        alone = bot.went[had:]

        assert alone[0] - bot.went[had - 1] < shared_pace.ASK_S + 5
        assert alone[-1] - alone[0] >= 18 * INTERVAL_S
        assert alone[-1] - lost_at < 20 * INTERVAL_S + 3
        redis.thaw() if how == "freeze" else redis.start()
        await until(lambda: pace.is_shared)
        had = len(bot.went)
        await until(lambda: len(bot.went) >= had + 5)

    with capture_logs() as logs:
        in_a_loop(redis, story)

    assert ["shared_limit_away", "shared_limit_back"] == [line["event"] for line in logs]


def test_a_redis_that_was_never_there_keeps_nobody_from_going() -> None:
    async def story(bot: Bot) -> None:
        await until(lambda: len(bot.went) >= 5)

        assert not bot._permits.described().shared  # noqa: SLF001

    with capture_logs() as logs:
        in_a_loop(PrivateRedis(), story)

    assert ["shared_limit_away"] == [line["event"] for line in logs]


def test_a_wrong_password_is_away_too_and_is_told_to_nobody() -> None:
    async def story(bot: Bot) -> None:
        await until(lambda: len(bot.went) >= 5)

    with private_redis("the right one") as redis, capture_logs() as logs:
        redis._password = "a-wrong-one"  # noqa: SLF001
        in_a_loop(redis, story)

    assert ["AuthenticationError"] == [line["error"] for line in logs]
    assert "wrong" not in str(logs)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_closed_at_any_moment_it_is_closed_at_once_and_leaves_no_connection(
    redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch, is_frozen: bool
) -> None:
    monkeypatch.setattr(shared_pace, "ASK_S", 0.02)
    monkeypatch.setattr(shared_pace, "AGAIN_S", 0.001)

    async def story(after_s: float) -> None:
        pace = RedisPace(redis.uri, SystemClock())

        def again(_: float) -> None:
            asyncio.get_running_loop().call_soon(pace.reserve, "fleet", 1e-6, again)

        again(0)
        await a_turn(after_s)
        async with asyncio.timeout(5):
            await pace.close()
        told: list[float] = []
        pace.reserve("fleet", 1e-6, told.append)
        await a_turn(0.03)

        assert [] == told

    if is_frozen:
        redis.freeze()
    with capture_logs():
        for n in range(30):
            asyncio.run(story(n / 500))
    gc.collect()
