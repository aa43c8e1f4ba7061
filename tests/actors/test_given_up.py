"""A bot that was given up: when its incident is over, in this process or in the next."""

from __future__ import annotations

import pytest

from actors.incarnations import GIVEN_UP
from actors.messages import ClearAlert, RaiseAlert, RemoveBot, ResumeBot
from domain import events as e
from domain.rules.restarts import REST_S, WINDOW_S
from tests.actors.fleets import Fleet, ended, on_a_loop
from tests.doubles import UNLIMITED
from tests.examples import BOT_ID, TENANT

CLEARED = ClearAlert(GIVEN_UP, BOT_ID)


async def gives_up(fleet: Fleet) -> None:
    for _ in range(6):
        await fleet.told(fleet.say("hello"))
        await fleet.actor_fails()
        await fleet.advance(3.2)
    await fleet.wakes()


def cleared(fleet: Fleet) -> list[ClearAlert]:
    return [alert for alert in fleet.alerts if isinstance(alert, ClearAlert)]


async def in_the_next_process(fleet: Fleet, alarmed: tuple[int, ...] = (BOT_ID,)) -> Fleet:
    await fleet.is_over()
    return Fleet(UNLIMITED, after=fleet, alarmed=alarmed)


def test_it_is_over_when_the_bot_was_tried_again_and_has_not_failed_for_a_minute() -> None:
    async def story(fleet: Fleet) -> None:
        await gives_up(fleet)
        await fleet.advance(REST_S)
        assert ("delivered", "") == ended(await fleet.told(fleet.say("well")))
        assert [] == cleared(fleet)
        await fleet.advance(2 * WINDOW_S)

        assert [CLEARED] == cleared(fleet)
        assert 1 == sum(isinstance(alert, RaiseAlert) for alert in fleet.alerts)

    on_a_loop(story)


def test_a_failure_in_that_minute_makes_it_longer_and_not_endless() -> None:
    async def story(fleet: Fleet) -> None:
        await gives_up(fleet)
        await fleet.advance(REST_S)
        for _ in range(3):
            await fleet.actor_fails()
            await fleet.advance(WINDOW_S)
            await fleet.told(fleet.say("again"))
            assert [] == cleared(fleet)
        await fleet.advance(2 * WINDOW_S)

        assert [CLEARED] == cleared(fleet)

    on_a_loop(story)


@pytest.mark.parametrize("by_hand", [ResumeBot(BOT_ID, TENANT, "tenant"), RemoveBot(BOT_ID, TENANT)])
def test_it_is_over_when_somebody_resumes_or_removes_the_bot(by_hand: ResumeBot | RemoveBot) -> None:
    async def story(fleet: Fleet) -> None:
        await gives_up(fleet)
        await fleet.told(fleet.ask(by_hand))
        await fleet.advance(2 * WINDOW_S)

        assert [CLEARED] == cleared(fleet)

    on_a_loop(story)


def test_who_resumes_it_has_the_last_word() -> None:
    async def story(fleet: Fleet) -> None:
        await gives_up(fleet)
        await fleet.told(fleet.ask(ResumeBot(BOT_ID, TENANT, "tenant")))
        await fleet.actor_fails()
        await fleet.advance(1)

        assert ("delivered", "") == ended(await fleet.told(fleet.say("at work")))
        assert 1 == len(fleet.journal.of(e.BotSuspended))
        heir = await in_the_next_process(fleet)
        assert ("delivered", "") == ended(await heir.told(heir.say("at work")))
        await heir.is_over()

    on_a_loop(story)


def test_the_next_process_tries_it_again_and_tells_that_it_works() -> None:
    async def story(fleet: Fleet) -> None:
        await gives_up(fleet)
        heir = await in_the_next_process(fleet)
        await heir.advance(REST_S - WINDOW_S)
        assert ("not_sent", "bot_suspended") == ended(await heir.told(heir.say("too early")))
        assert [] == heir.alerts
        await heir.advance(3 * WINDOW_S)

        assert ("delivered", "") == ended(await heir.told(heir.say("well")))
        assert [CLEARED] == heir.alerts
        await heir.is_over()

    on_a_loop(story)


def test_the_next_process_tells_of_a_bot_that_was_resumed_before_the_last_one_died() -> None:
    async def story(fleet: Fleet) -> None:
        await gives_up(fleet)
        await fleet.advance(REST_S)
        heir = await in_the_next_process(fleet)
        await heir.advance(WINDOW_S / 2)
        assert heir.slot.is_awake
        assert [] == heir.alerts
        await heir.advance(WINDOW_S / 2)

        assert [CLEARED] == heir.alerts
        await heir.is_over()

    on_a_loop(story)


def test_the_next_process_tells_of_a_bot_that_is_gone() -> None:
    async def story(fleet: Fleet) -> None:
        await gives_up(fleet)
        await fleet.told(fleet.ask(RemoveBot(BOT_ID, TENANT)))
        heir = await in_the_next_process(fleet)

        assert [CLEARED] == heir.alerts
        await heir.is_over()

    on_a_loop(story)


def test_a_bot_without_an_incident_is_nobody_s_business() -> None:
    async def story(fleet: Fleet) -> None:
        heir = await in_the_next_process(fleet, ())
        await heir.told(heir.say("hello"))
        await heir.advance(3 * WINDOW_S)

        assert [] == heir.alerts
        await heir.is_over()

    on_a_loop(story)
