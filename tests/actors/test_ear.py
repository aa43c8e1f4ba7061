"""An ear that is to stop stops, whatever it is just doing, and leaves nothing behind that still listens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from actors.ear import Ear
from domain.failure import Answer
from domain.hearing import DEAF
from domain.rules.tokens import Token
from tests.actors.hearing_world import OK, WATCHDOG_S, World, a_bot_that_wants, on_a_loop
from tests.doubles import ScriptedTelegram
from tests.examples import BOT_ID, a_token


class LeavesLate(ScriptedTelegram):
    """Whose calls take a moment to be given up."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock)
        self.otherwise = lambda _: None
        self.is_leaving, self.may_leave = asyncio.Event(), asyncio.Event()

    async def ask(self, token: Token, method: str, parameters: Mapping[str, object], timeout_s: float) -> Answer:
        try:
            return await super().ask(token, method, parameters, timeout_s)
        finally:
            self.is_leaving.set()
            await self.may_leave.wait()


def test_an_ear_that_is_stopped_while_its_webhook_is_rotated_does_not_begin_again() -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        world.telegram.will(None)
        rotating = asyncio.ensure_future(world.ear.rotate())
        await world.rest()
        await world.ear.stop()
        world.telegram.out[0].gets(OK)
        await rotating
        before = len(world.telegram.calls)
        await world.passes(2 * WATCHDOG_S)

        assert before == len(world.telegram.calls)

    on_a_loop(story)


def test_an_ear_that_is_abandoned_the_moment_it_has_heard_of_a_change_ends_its_poll() -> None:
    async def story(world: World) -> None:
        await world.wants("polling")
        world.ear.follow(a_bot_that_wants("polling", kinds=("message",)), a_token())
        world.ear.abandon()
        await world.rest()

        assert {asyncio.current_task()} == asyncio.all_tasks()

    on_a_loop(story)


def test_an_ear_stops_too_where_it_is_just_ending_a_poll_to_try_its_webhook_again() -> None:
    async def story(world: World) -> None:
        polls = LeavesLate(world)
        ear = world.ear = Ear(BOT_ID, replace(world.tools, polls=polls), DEAF, None)
        await world.wants("auto")
        world.fails(at=100)
        await world.passes(WATCHDOG_S + 3 * WATCHDOG_S)
        is_leaving = polls.is_leaving.is_set()
        stopping = asyncio.ensure_future(ear.stop())
        await world.rest()
        polls.may_leave.set()
        await world.rest()

        assert is_leaving
        assert stopping.done()

    on_a_loop(story)
