"""Counts that several processes share through a real Redis, and what happens while it is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from limits import parse
from structlog.testing import capture_logs

from gateway import shared_counts
from gateway.shared_counts import SharedCounts
from ops.clock import SystemClock
from tests.actors.waiting import SOON_S, until
from tests.private_redis import PrivateRedis, private_redis

PASSWORD = "a-password-that-nobody-may-see"
RATE = parse("3/hour")


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    with private_redis(PASSWORD) as server:
        yield server


def test_two_processes_count_together_and_say_when_the_next_is_free(
    redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy host Redis may take longer than anybody waits for it.
    monkeypatch.setattr(shared_counts, "ASK_S", SOON_S)

    async def story() -> None:
        one, other = SharedCounts(redis.uri, SystemClock()), SharedCounts(redis.uri, SystemClock())
        found = [await each.taken(RATE, "register", "203.0.113.7") for each in (one, other, one, other, one)]
        elsewhere = await one.taken(RATE, "register", "203.0.113.8")
        await one.close()
        await other.close()

        assert [(2, False), (1, False), (0, False), (0, True), (0, True)] == [
            (each.remaining, each.is_over) for each in found if each is not None
        ]
        assert elsewhere is not None
        assert not elsewhere.is_over
        assert found[-1] is not None
        assert 3590 < found[-1].next_s <= 3601

    asyncio.run(story())


@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_while_redis_is_away_nobody_waits_for_it_and_it_is_taken_up_again(
    redis: PrivateRedis, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_counts, "AGAIN_S", 0.02)

    async def story() -> None:
        counts = SharedCounts(redis.uri, SystemClock())
        await counts.taken(RATE, "before")
        getattr(redis, how)()
        began = time.monotonic()
        at_once = await asyncio.gather(*(counts.taken(RATE, "away", str(n)) for n in range(20)))
        then = [await counts.taken(RATE, "away") for _ in range(100)]
        took_s = time.monotonic() - began
        was_there = counts.is_there
        redis.thaw() if how == "freeze" else redis.start()
        await until(lambda: counts.is_there)
        back = await counts.taken(RATE, "back")
        await counts.close()

        assert [None] * 120 == [*at_once, *then]
        assert took_s < 50 * shared_counts.ASK_S
        assert not was_there
        assert back is not None

    with capture_logs() as logs:
        asyncio.run(story())

    assert ["shared_counts_away", "shared_counts_back"] == [one["event"] for one in logs]
    assert PASSWORD not in str(logs)
