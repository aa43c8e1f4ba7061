"""An ear that is to stop stops, whatever it is just doing, and leaves nothing behind that still listens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from actors.ear import Ear
from domain.failure import Answer
from domain.hearing import DEAF
from domain.rules.tokens import Token
from tests.actors.hearing_world import WATCHDOG_S, World, a_bot_that_wants, on_a_loop
from tests.actors.waiting import SOON_S, a_turn
from tests.doubles import ScriptedTelegram, flood
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


@pytest.mark.parametrize("answer", [None, flood(300)], ids=["silent", "flooded"])
def test_whoever_rotates_a_webhook_is_told_when_its_ear_is_stopped_and_nothing_begins_again(
    answer: Answer | None,
) -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        world.telegram.will(answer)
        rotating = asyncio.ensure_future(world.ear.rotate())
        await world.rest()
        before = len(world.telegram.calls)
        await world.ear.stop()

        assert not await asyncio.wait_for(rotating, SOON_S)
        assert not await world.ear.rotate()
        await world.passes(2 * WATCHDOG_S)
        assert before == len(world.telegram.calls)

    on_a_loop(story)


def test_a_bot_that_changes_while_its_webhook_is_rotated_is_heard_in_one_way_alone() -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        world.telegram.will(None)
        rotating = asyncio.ensure_future(world.ear.rotate())
        await world.rest()
        await world.wants("off")

        assert not await asyncio.wait_for(rotating, SOON_S)
        assert ("", "off") == (world.url, world.state)
        await world.passes(2 * WATCHDOG_S)
        assert ["deleteWebhook"] == world.asked[-1:]

    on_a_loop(story)


def test_a_bot_that_changes_while_its_ear_makes_way_for_a_rotation_is_heard_in_one_way_alone() -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        rotating = asyncio.ensure_future(world.ear.rotate())
        await a_turn()
        world.ear.follow(a_bot_that_wants("webhook", kinds=("message",)), a_token())
        await world.rest()
        assert await asyncio.wait_for(rotating, SOON_S)
        await world.ear.stop()

        assert {asyncio.current_task()} == asyncio.all_tasks()

    on_a_loop(story)


def test_a_rotation_that_is_given_up_before_the_new_address_is_on_disk_leaves_the_old_one() -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        url, world.journal.is_away = world.url, True
        rotating = asyncio.ensure_future(world.ear.rotate())
        await world.rest()
        await world.wants("webhook")
        assert not await asyncio.wait_for(rotating, SOON_S)
        world.journal.is_away = False
        await world.passes(2 * WATCHDOG_S)

        assert url == world.url
        assert ["setWebhook"] == world.asked

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
