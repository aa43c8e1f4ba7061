"""Which bots have an ear, and what it is told of them."""

from __future__ import annotations

import msgspec
import pykka

from actors.doorstep import Address
from actors.messages import DescribeUpdates, RotateWebhook, UpdatesState
from actors.runtime import stopped
from actors.updates import NO_WEBHOOK, Followed, Silence, UpdatesActor
from domain.bot import Bot
from domain.hearing import Hearing, Whose
from tests.actors.hearing_world import World, a_bot_that_wants, on_a_loop
from tests.actors.waiting import answer_of, until
from tests.examples import BOT_ID, OTHER_TENANT, TENANT, a_token

LEFT = {BOT_ID: (Hearing(TENANT, b"path", b"secret"), Address("the-path", "the-secret"))}


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
        await until(lambda: world.telegram.calls or world.timers.next() is not None)
        await answer_of(actor, Silence())
        await stopped(actor)

        assert Whose(BOT_ID, TENANT) == opened

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
