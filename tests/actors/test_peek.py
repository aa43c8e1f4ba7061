"""Where nobody hears a bot its updates are looked at and left where they are, for as long as a code is open."""

from __future__ import annotations

import pytest

from actors.messages import ConfigureBot, RemoveBot
from domain import events as e
from domain.errors import StoreUnavailable
from domain.failure import Answer, Delivered
from domain.ownership import LIFETIME, Ownership
from tests.actors.hearing_world import RIVAL, UNAUTHORIZED, WEBHOOK_SET
from tests.actors.ownership_world import CHAT, World, another_token, on_a_loop, said
from tests.doubles import LOST, flood
from tests.examples import BOT_ID, NOON, OTHER_TENANT, TENANT, a_token

SECONDS = LIFETIME.total_seconds()


def looks(world: World) -> list[float]:
    """When, in seconds from the beginning."""
    return [call.at - 1000 for call in world.polls.calls]


def test_a_look_confirms_nothing_and_leaves_the_bots_settings_alone() -> None:
    async def story(world: World) -> None:
        code = await world.gets()
        await world.peeked(said("hello", 1), said("/start elsewhere", 2))
        await world.fleet.advance(3)
        await world.peeked(said("hello", 1), said("/start elsewhere", 2), said(f"/start {code}", 3))
        await world.fleet.until(lambda: world.answers_in(CHAT))

        assert {"getUpdates"} == {call.method for call in world.polls.calls}
        assert [{"timeout": 10, "limit": 100}] * 2 == [call.parameters for call in world.polls.calls]
        assert [0, 3] == looks(world)
        assert Ownership.VERIFIED is world.ownership()
        assert 0 == world.received

    on_a_loop(story)


def test_a_code_that_telegram_kept_from_proving_anything_is_looked_at_again() -> None:
    async def story(world: World) -> None:
        update = said(f"/start {await world.gets()}")
        world.answer = LOST
        await world.peeked(update)
        await world.fleet.until(lambda: world.asked)
        before, world.answer = world.ownership(), None
        await world.fleet.advance(3)
        await world.peeked(update)
        await world.fleet.until(lambda: world.answers_in(CHAT))

        assert (Ownership.REGISTERED, Ownership.VERIFIED) == (before, world.ownership())
        assert [0, 3] == looks(world)

    on_a_loop(story)


def test_nobody_looks_before_a_code_is_given_nor_after_it_is_used() -> None:
    async def story(world: World) -> None:
        await world.fleet.advance(60)
        before = len(world.polls.calls)
        code = await world.gets()
        await world.peeked(said(f"/start {code}"))
        await world.fleet.until(lambda: world.of(e.OwnershipVerified))
        await world.fleet.advance(60)

        assert (0, 1) == (before, len(world.polls.calls))
        assert await world.described() is None

    on_a_loop(story)


def test_looking_ends_with_the_code() -> None:
    async def story(world: World) -> None:
        await world.gets()
        await world.fleet.until(lambda: world.polls.out)
        await world.fleet.advance(SECONDS - 5)
        await world.peeked()
        await world.fleet.advance(3)
        await world.peeked()
        await world.fleet.advance(60)
        await world.fleet.rest()

        assert [0, SECONDS - 2] == looks(world)
        assert await world.described() is None

    on_a_loop(story)


@pytest.mark.parametrize(
    "how", [ConfigureBot(BOT_ID, TENANT, {"updates": "polling"}, "tenant"), RemoveBot(BOT_ID, TENANT)]
)
def test_looking_ends_when_the_bot_hears_or_is_gone(how: object) -> None:
    async def story(world: World) -> None:
        await world.gets()
        await world.fleet.until(lambda: world.polls.out)
        await world.fleet.told(world.fleet.ask(how))
        await world.fleet.advance(60)

        assert 1 == len(world.polls.calls)

    on_a_loop(story)


def test_a_bot_that_is_heard_is_not_looked_at_until_it_is_heard_no_longer() -> None:
    async def story(world: World) -> None:
        await world.fleet.told(world.fleet.ask(ConfigureBot(BOT_ID, TENANT, {"updates": "webhook"}, "tenant")))
        await world.gets()
        await world.fleet.advance(60)
        before, described = len(world.polls.calls), await world.described()
        await world.fleet.told(world.fleet.ask(ConfigureBot(BOT_ID, TENANT, {"updates": "off"}, "tenant")))
        await world.fleet.until(lambda: world.polls.out)

        assert 0 == before
        assert described is not None
        assert ("listening", NOON + LIFETIME) == (described.state, described.expires_at)

    on_a_loop(story)


def test_a_claimants_look_is_with_its_own_token_and_others_with_theirs() -> None:
    async def story(world: World) -> None:
        await world.claim()
        await world.gets()
        await world.gets(OTHER_TENANT)
        for _ in range(3):
            await world.peeked()
            await world.fleet.advance(3)

        assert [a_token(), a_token(), another_token()] == [call.token for call in world.polls.calls][:3]

    on_a_loop(story)


def test_the_next_process_goes_on_looking() -> None:
    codes: list[str] = []
    verified: list[e.OwnershipVerified] = []

    async def story(world: World) -> None:
        codes.append(await world.gets())

    async def then(world: World) -> None:
        await world.peeked(said(f"/start {codes[0]}"))
        await world.fleet.until(lambda: world.of(e.OwnershipVerified))
        verified.extend(world.of(e.OwnershipVerified))

    on_a_loop(story, then=then)

    assert [(BOT_ID, TENANT)] == [(one.bot_id, one.tenant_id) for one in verified]


@pytest.mark.parametrize(
    ("answer", "state", "next_look_s"),
    [
        (WEBHOOK_SET, "stopped: a webhook is set", 3),
        (RIVAL, "stopped: somebody else polls with this token", 60),
        (UNAUTHORIZED, "stopped: Telegram refuses the token", 3),
        (flood(30), "listening", 30),
        (LOST, "listening", 3),
        (Delivered(b"no list"), "listening", 60),
    ],
)
def test_what_is_in_the_way_is_said_and_not_fought(answer: Answer, state: str, next_look_s: float) -> None:
    async def story(world: World) -> None:
        code = await world.gets()
        await world.answers_peek(answer)
        described = await world.described()
        await world.fleet.advance(next_look_s)
        await world.peeked()
        works = await world.described()
        await world.fleet.advance(3)
        await world.peeked(said(f"/start {code}"))
        await world.fleet.until(lambda: world.of(e.OwnershipVerified))

        assert described is not None
        assert works is not None
        assert (state, "listening") == (described.state, works.state)
        assert [0, next_look_s, next_look_s + 3] == looks(world)
        assert not [call for call in world.fleet.telegram.calls if call.method == "deleteWebhook"]

    on_a_loop(story)


def test_a_rival_is_left_alone_for_longer_and_longer() -> None:
    async def story(world: World) -> None:
        await world.gets()
        await world.answers_peek(RIVAL)
        for pause_s in (60, 120, 240):
            await world.fleet.advance(pause_s - 1)
            assert not world.polls.out
            await world.fleet.advance(1)
            await world.answers_peek(RIVAL)

        assert [0, 60, 180, 420] == looks(world)

    on_a_loop(story)


def test_a_store_that_is_away_keeps_nobody_from_looking_later() -> None:
    async def story(world: World) -> None:
        await world.gets()
        await world.peeked()
        world.fleet.shelf.trouble, lookups = StoreUnavailable(), world.lookups
        await world.fleet.advance(3)
        await world.fleet.until(lambda: world.lookups > lookups)
        world.fleet.shelf.trouble = None
        await world.fleet.advance(3)
        await world.fleet.until(lambda: world.polls.out)

        assert [0, 6] == looks(world)

    on_a_loop(story)
