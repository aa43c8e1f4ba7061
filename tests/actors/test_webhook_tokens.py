"""A webhook's address goes with the token that it was made for: whoever has the former token may know it."""

from __future__ import annotations

import msgspec
import pytest

from actors.doorstep import Address
from domain.hearing import Hearing
from domain.rules.tokens import Token
from tests.actors.hearing_world import World, a_bot_that_wants, on_a_loop
from tests.examples import BOT_ID, TENANT, a_token

ANOTHER = Token(BOT_ID, f"{BOT_ID}:AAHanotherOfTheSameBot_0123456789")
HEARD = Hearing(TENANT, b"path", b"secret")
LEFT = {"hearing": HEARD, "address": Address("the-path-of-an-earlier-process", "the-secret")}
LEFT_URL = "https://bots.example.com/webhook/the-path-of-an-earlier-process"


def test_with_another_token_comes_another_address_though_the_process_died_in_between() -> None:
    async def story(world: World) -> None:
        bot = a_bot_that_wants("webhook")
        world.ear.follow(bot, a_token())
        await world.rest()
        first = world.url
        world.ear.follow(bot, a_token())
        await world.rest()
        same = world.url
        world.ear.follow(bot, ANOTHER)
        await world.rest()

        assert (first, True) == (same, first != world.url)
        assert ["setWebhook", "setWebhook"] == world.asked
        assert ["webhook-set", "webhook-set"] == world.topics
        assert world.doorstep.whose(first.rpartition("/")[2], "whatever") is None

    on_a_loop(story)


def test_an_address_of_before_tokens_were_noted_stays() -> None:
    async def story(world: World) -> None:
        world.url = LEFT_URL
        world.ear.follow(a_bot_that_wants("webhook"), ANOTHER)
        await world.passes(10)

        assert LEFT_URL == world.url

    on_a_loop(story, **LEFT)


@pytest.mark.parametrize(("noted", "stays"), [(a_token().fingerprint, False), (ANOTHER.fingerprint, True)])
def test_an_address_of_an_earlier_process_stays_with_its_token(noted: str, stays: bool) -> None:
    async def story(world: World) -> None:
        world.url = LEFT_URL
        world.ear.follow(a_bot_that_wants("webhook"), ANOTHER)
        await world.passes(10)

        assert stays is (world.url == LEFT_URL)

    on_a_loop(story, **{**LEFT, "hearing": msgspec.structs.replace(HEARD, token_fingerprint=noted)})
