from __future__ import annotations

import asyncio

import pytest

from projections.runner import Runner
from projections.waiting import Waiters
from tests.examples import a_started
from tests.projections.runners import SOON_S, reached, running
from tests.projections.sample_events import Log, registered


def test_waiting_ends_when_time_is_up(log: Log, runner: Runner) -> None:
    log.append(registered())

    assert not reached(runner, 1, timeout_s=0.01)
    runner.catch_up()

    assert reached(runner, 1, timeout_s=0)


def test_many_wait_for_different_positions_on_one_loop(log: Log, runner: Runner) -> None:
    async def scene() -> list[bool]:
        waits = [asyncio.ensure_future(runner.wait_for(n, SOON_S)) for n in range(1, 201)]
        too_far = asyncio.ensure_future(runner.wait_for(202, 0.2))
        given_up = asyncio.ensure_future(runner.wait_for(1, SOON_S))
        await asyncio.wait([given_up], timeout=0)
        given_up.cancel()
        await asyncio.to_thread(log.append, registered(), *[a_started(str(n)) for n in range(199)])
        runner.wake()
        return [*await asyncio.gather(*waits), await too_far]

    with running(runner):
        assert [True] * 200 + [False] == asyncio.run(scene())


def test_a_waiter_whose_loop_is_gone_does_not_harm_the_others(
    log: Log, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("Event loop is closed")

    async def scene() -> None:
        abandoned = asyncio.ensure_future(runner.wait_for(1, SOON_S))
        await asyncio.wait([abandoned], timeout=0)
        log.append(registered())
        with monkeypatch.context() as closed:
            closed.setattr(asyncio.get_running_loop(), "call_soon_threadsafe", refuse)
            runner.catch_up()
        abandoned.cancel()

    asyncio.run(scene())

    assert 1 == runner.position()


def test_a_view_that_comes_there_between_the_look_and_the_wait_is_not_missed() -> None:
    looks = iter([0, 1])
    waiters = Waiters(lambda _: next(looks))

    assert asyncio.run(waiters.wait(1, None, timeout_s=0))
