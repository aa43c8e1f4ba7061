"""Who falls asleep, and when: what counts is when a bot was last given a command."""

from __future__ import annotations

from dataclasses import replace

from actors.messages import InspectToken, SuspendBot
from actors.passivation import BEAT, MAX_BEAT_S
from domain.rules.validation import Why
from tests.actors.fleets import Fleet, on_a_loop
from tests.doubles import REFUSED_CONNECTION, UNLIMITED
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, TENANT

IDLE_S, BEAT_S = 500, 50
IDLE = replace(UNLIMITED, idle_timeout_s=IDLE_S)


def test_a_bot_that_one_command_has_woken_stays_awake_for_the_whole_idle_time() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        await fleet.advance(IDLE_S - 1)
        before = fleet.slot.actor
        await fleet.advance(BEAT_S)

        assert before is not None
        assert fleet.slot.actor is None

    on_a_loop(story, IDLE)


def test_beyond_the_bound_those_sleep_that_were_commanded_least_lately() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("first", bot_id=OTHER_BOT_ID, tenant_id=OTHER_TENANT))
        await fleet.advance(1)
        await fleet.told(fleet.say("later"))
        await fleet.advance(BEAT_S)

        assert [BOT_ID] == [bot_id for bot_id, slot in fleet.slots.items() if slot.actor is not None]

    on_a_loop(story, replace(IDLE, max_active_bots=1), (BOT_ID, TENANT), (OTHER_BOT_ID, OTHER_TENANT))


def test_a_bot_that_was_never_given_a_command_sleeps_at_the_next_beat() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.ask(SuspendBot(BOT_ID, TENANT, "for a while", "admin")))
        awake = fleet.slot.actor
        await fleet.advance(MAX_BEAT_S)

        assert awake is not None
        assert fleet.slot.actor is None

    on_a_loop(story, replace(IDLE, idle_timeout_s=10 * IDLE_S))


def test_a_bot_that_is_just_told_of_a_change_does_not_sleep_over_telegrams_word() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        fleet.telegram.waits()
        asked = fleet.ask(InspectToken(BOT_ID, TENANT, Why.ASKED))
        fleet.supervisor.tell(BEAT)
        await fleet.until(lambda: fleet.telegram.out)
        fleet.telegram.out[0].gets(REFUSED_CONNECTION)

        assert "NETWORK_ERROR" == (await fleet.told(asked)).category

    on_a_loop(story, replace(UNLIMITED, idle_timeout_s=0.0))
