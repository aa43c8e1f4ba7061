"""Which bots have an ear, and what it is told of them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pykka

from actors.doorstep import Address
from actors.draining import SHUTTING_DOWN
from actors.messages import DescribeUpdates, RotateWebhook, UpdatesState
from actors.runtime import stopped
from actors.updates import NO_WEBHOOK, NOT_ROTATED, Followed, Silence, UpdatesActor
from domain.bot import Bot
from domain.events import UpdateReceived, WebhookRemoved
from domain.failure import Delivered
from domain.hearing import Hearing, Whose
from domain.rules.tokens import Token
from tests.actors.hearing_world import World, a_bot_that_wants, an_update, on_a_loop
from tests.actors.waiting import SOON_S, answer_of, until
from tests.examples import BOT_ID, OTHER_TENANT, TENANT, a_token, an_identity

LEFT = {BOT_ID: (Hearing(TENANT, b"path", b"secret"), Address("the-path", "the-secret"))}


class Shelf:
    """Where bots are looked up. A test may keep whoever looks waiting."""

    def __init__(self, world: World) -> None:
        self.may_read = world.may_read

    def look_up(self, _: int) -> tuple[Token, float]:
        assert self.may_read.wait(SOON_S)
        return a_token(), 17.0


def an_actor(
    world: World, bots: list[Bot], hearings: dict[int, tuple[Hearing, Address | None]] | None = None
) -> pykka.ActorRef[UpdatesActor]:
    return UpdatesActor.start(world.tools, lambda _: (a_token(), 17.0), bots, hearings or {})


def test_a_change_that_has_nothing_to_do_with_updates_ends_no_poll() -> None:
    async def story(world: World) -> None:
        bot = a_bot_that_wants("polling")
        actor = an_actor(world, [bot])
        await until(lambda: world.polls.calls)
        actor.tell(Followed(msgspec.structs.replace(bot, breaker_forced=True)))
        await world.rest()
        described = await answer_of(actor, DescribeUpdates(BOT_ID))
        await answer_of(actor, Silence())
        await stopped(actor)

        assert 1 == len(world.polls.calls)
        assert UpdatesState(BOT_ID, "polling", "polling", 17.0) == described

    on_a_loop(story)


def test_a_bot_that_stops_to_hear_is_forgotten() -> None:
    async def story(world: World) -> None:
        actor = an_actor(world, [a_bot_that_wants("polling")])
        await until(lambda: world.polls.calls)
        actor.tell(Followed(a_bot_that_wants("off")))
        while (await answer_of(actor, DescribeUpdates(BOT_ID))).last_at is not None:
            await world.rest()
        described = await answer_of(actor, DescribeUpdates(BOT_ID))
        await stopped(actor)

        assert UpdatesState(BOT_ID, "off", "off") == described

    on_a_loop(story)


def test_what_an_earlier_process_has_set_is_open_from_the_first_moment() -> None:
    async def story(world: World) -> None:
        actor = an_actor(world, [a_bot_that_wants("webhook")], dict(LEFT))
        opened = world.doorstep.whose("the-path", "the-secret")
        assert opened is not None
        world.doorstep.bring(opened, msgspec.json.encode(an_update(1, "/stop@another_bot")), lambda _: None)
        await world.rest()
        await until(lambda: world.telegram.calls or world.timers.next() is not None)
        await answer_of(actor, Silence())
        await stopped(actor)

        assert Whose(BOT_ID, TENANT) == opened
        assert [None] == [one.command for one in world.of(UpdateReceived)]

    on_a_loop(story)


def test_only_its_owner_rotates_a_webhook_and_only_where_there_is_one() -> None:
    async def story(world: World) -> None:
        actor = an_actor(world, [a_bot_that_wants("polling")])
        await until(lambda: world.polls.calls)
        refused = [await answer_of(actor, RotateWebhook(BOT_ID, tenant)) for tenant in (TENANT, OTHER_TENANT)]
        await answer_of(actor, Silence())
        await stopped(actor)

        assert [NO_WEBHOOK, NO_WEBHOOK] == refused

    on_a_loop(story)


def test_once_the_ears_are_silent_a_bot_is_told_of_as_it_heard_and_no_webhook_is_rotated() -> None:
    async def story(world: World) -> None:
        actor = an_actor(world, [a_bot_that_wants("webhook")])
        await world.rest()
        world.telegram.will(None)
        asked: Any = actor.ask(RotateWebhook(BOT_ID, TENANT), block=False)
        await world.rest()
        await answer_of(actor, Silence())
        told = await answer_of(actor, DescribeUpdates(BOT_ID))
        late = await answer_of(actor, RotateWebhook(BOT_ID, TENANT))

        assert NOT_ROTATED == await asked
        assert ("webhook", "webhook") == (told.wanted, told.state)
        assert SHUTTING_DOWN == late
        await stopped(actor)

    on_a_loop(story)


def test_a_command_that_is_said_to_another_bot_of_the_group_is_none_of_this_ones() -> None:
    async def story(world: World) -> None:
        actor = an_actor(world, [a_bot_that_wants("webhook")])
        for update_id, text in enumerate(("/stop", "/stop@Examples_Bot now", "/stop@examples_bot_2", "/stop@")):
            await world.brings(update_id, text)
        await answer_of(actor, Silence())
        await stopped(actor)

        assert ["stop", "stop", None, None] == [one.command for one in world.of(UpdateReceived)]

    on_a_loop(story)


def test_a_bot_that_was_renamed_is_spoken_to_by_its_new_name_and_no_poll_ends_for_that() -> None:
    async def story(world: World) -> None:
        bot = a_bot_that_wants("polling")
        actor = an_actor(world, [bot])
        await until(lambda: world.polls.calls)
        actor.tell(Followed(msgspec.structs.replace(bot, owner=an_identity(username="New_Bot"))))
        await world.rest()
        await world.brings(1, "/stop@new_bot")
        await world.brings(2, "/stop@examples_bot")
        await answer_of(actor, Silence())
        await stopped(actor)

        assert ["stop", None] == [one.command for one in world.of(UpdateReceived)]
        assert 1 == len(world.polls.calls)

    on_a_loop(story)


def test_a_bot_that_begins_to_hear_knows_its_name_and_one_whose_name_nobody_knows_takes_all_commands() -> None:
    async def story(world: World) -> None:
        actor = an_actor(world, [])
        await world.brings(1, "/stop@another_bot")
        actor.tell(Followed(a_bot_that_wants("polling")))
        await until(lambda: world.polls.calls)
        await world.brings(2, "/stop@another_bot")
        await answer_of(actor, Silence())
        await stopped(actor)

        assert ["stop", None] == [one.command for one in world.of(UpdateReceived)]

    on_a_loop(story)


def of_another_tenant() -> Bot:
    """With updates off, as after a takeover."""
    off = a_bot_that_wants("off")
    return msgspec.structs.replace(off, owner=an_identity(tenant_id=OTHER_TENANT, token_fingerprint="beef"))


def test_nothing_comes_in_for_a_former_tenant_from_the_moment_at_which_the_bot_is_anothers() -> None:
    async def story(world: World) -> None:
        shelf = Shelf(world)
        bot = a_bot_that_wants("webhook")
        world.url = "https://bots.example.com/webhook/the-path"
        actor = UpdatesActor.start(world.tools, shelf.look_up, [bot], dict(LEFT))
        await until(lambda: world.timers.next() is not None)
        before = world.doorstep.whose("the-path", "the-secret")
        shelf.may_read.clear()
        actor.tell(Followed(of_another_tenant()))
        await world.rest()
        meanwhile = world.doorstep.whose("the-path", "the-secret")
        shelf.may_read.set()
        while not world.of(WebhookRemoved):
            await world.rest()
        await answer_of(actor, Silence())
        await stopped(actor)

        assert (Whose(BOT_ID, TENANT), None) == (before, meanwhile)
        assert "" == world.url
        assert [TENANT] == [event.tenant_id for event in world.of(WebhookRemoved)]  # type: ignore[attr-defined]

    on_a_loop(story)


def test_a_poll_for_a_former_tenant_ends_when_the_bot_is_anothers() -> None:
    async def story(world: World) -> None:
        bot = a_bot_that_wants("polling")
        actor = an_actor(world, [bot])
        await until(lambda: world.polls.calls)
        actor.tell(Followed(of_another_tenant()))
        while (await answer_of(actor, DescribeUpdates(BOT_ID))).last_at is not None:
            await world.rest()
        await world.passes(60)
        await answer_of(actor, Silence())
        await stopped(actor)

        assert 1 == len(world.polls.calls)

    on_a_loop(story)


def test_a_bot_whose_updates_are_turned_on_again_while_they_are_being_turned_off_hears() -> None:
    async def story(world: World) -> None:
        shelf = Shelf(world)
        actor = UpdatesActor.start(world.tools, shelf.look_up, [a_bot_that_wants("webhook")], {})
        while not world.url:
            await world.rest()
        # Telegram's word on what is there now takes a moment.
        world.telegram.will(None)
        actor.tell(Followed(a_bot_that_wants("off")))
        await until(lambda: world.telegram.out)
        shelf.may_read.clear()
        actor.tell(Followed(a_bot_that_wants("polling")))
        await world.rest()
        world.telegram.out[0].gets(Delivered(b"{}"))
        await world.rest()
        shelf.may_read.set()
        await until(lambda: world.polls.calls)
        described = await answer_of(actor, DescribeUpdates(BOT_ID))
        await answer_of(actor, Silence())
        await stopped(actor)

        assert UpdatesState(BOT_ID, "polling", "polling", 17.0) == described

    on_a_loop(story)


def test_a_change_that_comes_when_the_process_ends_has_nobody_listen_any_more() -> None:
    async def story(world: World) -> None:
        shelf = Shelf(world)
        shelf.may_read.clear()
        actor = UpdatesActor.start(world.tools, shelf.look_up, [a_bot_that_wants("polling")], {})
        await world.rest()
        await answer_of(actor, Silence())
        shelf.may_read.set()
        await asyncio.to_thread(shelf.look_up, BOT_ID)
        await world.rest()
        await stopped(actor)
        await world.rest()

        assert [] == world.polls.calls

    on_a_loop(story)
