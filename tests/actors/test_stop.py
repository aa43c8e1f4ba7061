"""The fleet stops, and whoever waits for something is told so: no question may be left that nobody will answer."""

from __future__ import annotations

import asyncio

import pytest

from actors.draining import LAST_WORDS_S
from actors.inbox import LoopFuture
from actors.mail import Change, Lifecycle
from actors.messages import (
    CheckToken,
    ConfigureBot,
    Drain,
    Durability,
    Execute,
    InspectToken,
    RegisterBot,
    ResumeBot,
    RotateToken,
    SetBreaker,
    SuspendBot,
)
from domain import events as e
from domain.failure import Delivered
from domain.rules.validation import Why
from tests.actors.fleets import Fleet, ended, on_a_loop
from tests.doubles import DELIVERED, REFUSED_CONNECTION, UNLIMITED, flood
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, TENANT, a_command, a_token

ME = Delivered(b'{"id":%d,"username":"examples_bot","first_name":"Examples"}' % BOT_ID)
SUSPEND = SuspendBot(BOT_ID, TENANT, "for a test", "tenant")
INSPECT = InspectToken(BOT_ID, TENANT, Why.ASKED)
NEED_TELEGRAMS_WORD = (
    INSPECT,
    ConfigureBot(BOT_ID, TENANT, {"updates": "polling"}, "tenant"),
    RotateToken(BOT_ID, TENANT, a_token(BOT_ID)),
)
STOPPING = ("refused", "shutting_down")
TWO_BOTS = ((BOT_ID, TENANT), (OTHER_BOT_ID, OTHER_TENANT))


async def draining(fleet: Fleet, bound_s: float = 10) -> asyncio.Future[object]:
    drained = fleet.ask(Drain(bound_s))
    await fleet.rest()
    return drained


# A change that waits for Telegram's word


@pytest.mark.parametrize("change", NEED_TELEGRAMS_WORD, ids=lambda change: type(change).__name__)
def test_a_change_that_waits_for_telegrams_word_is_refused_at_once_and_not_made_when_the_word_comes(
    change: Change,
) -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        asked = fleet.ask(change)
        await fleet.until(lambda: fleet.telegram.out)
        look = fleet.telegram.out[0]
        fleet.say("out", bot_id=OTHER_BOT_ID, tenant_id=OTHER_TENANT)
        await fleet.until(lambda: len(fleet.telegram.out) == 2)
        before = fleet.topics()
        drained = await draining(fleet)

        # Though the drain goes on, for what another bot has sent.
        assert STOPPING == ended(await fleet.told(asked))
        assert not drained.done()
        look.gets(ME)
        await fleet.rest()
        assert before == fleet.topics()
        fleet.telegram.out[0].gets(DELIVERED)
        await fleet.told(drained)

    on_a_loop(story, UNLIMITED, *TWO_BOTS)


def test_a_bot_that_was_to_be_resumed_stays_suspended() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.ask(SUSPEND))
        fleet.telegram.waits()
        asked = fleet.ask(ResumeBot(BOT_ID, TENANT, "tenant"))
        await fleet.until(lambda: fleet.telegram.out)
        await fleet.told(await draining(fleet))

        assert STOPPING == ended(await fleet.told(asked))
        assert [] == fleet.journal.of(e.BotResumed)

    on_a_loop(story)


def test_a_change_that_was_on_its_way_to_the_bot_is_refused_and_telegram_is_not_asked() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        fleet.say("out")
        await fleet.until(lambda: fleet.telegram.out)
        drained, reply = await draining(fleet), LoopFuture()
        fleet.slot.tell(Lifecycle(INSPECT, reply))
        await fleet.until(reply.done)

        assert STOPPING == ended(reply.get())
        assert ["sendMessage"] == [call.method for call in fleet.telegram.calls]
        fleet.telegram.out[0].gets(DELIVERED)
        await fleet.told(drained)

    on_a_loop(story)


def test_of_a_bot_that_telegram_has_not_introduced_yet_it_is_said_that_the_gateway_stops() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        asked = fleet.ask(RegisterBot(TENANT, a_token(OTHER_BOT_ID)))
        await fleet.until(lambda: fleet.telegram.out)
        await fleet.told(await draining(fleet))

        assert STOPPING == ended(await fleet.told(asked))

    on_a_loop(story)


# A bot without an actor


@pytest.mark.parametrize("change", [SUSPEND, INSPECT], ids=lambda change: type(change).__name__)
def test_a_change_that_wakes_its_bot_is_refused_and_the_stop_does_not_wait_for_the_bot(change: Change) -> None:
    async def story(fleet: Fleet) -> None:
        fleet.shelf.may_read.clear()
        asked = fleet.ask(change)
        await fleet.until(lambda: fleet.shelf.reads)
        drained = await draining(fleet)

        assert STOPPING == ended(await fleet.told(asked))
        await fleet.told(drained)
        fleet.shelf.may_read.set()
        await fleet.wakes()
        await fleet.rest()
        assert [] == fleet.journal.of(e.BotSuspended, e.TokenValidated)

    on_a_loop(story)


@pytest.mark.parametrize("change", [SUSPEND, INSPECT], ids=lambda change: type(change).__name__)
def test_a_change_that_waits_for_the_restart_of_its_bot_is_refused(change: Change) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        await fleet.actor_fails()
        asked = fleet.ask(change)
        await fleet.rest()
        drained = await draining(fleet)

        assert STOPPING == ended(await fleet.told(asked))
        await fleet.told(drained)

    on_a_loop(story)


def test_a_change_whose_bot_has_failed_while_telegram_was_asked_is_refused() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        asked = fleet.ask(INSPECT)
        await fleet.until(lambda: fleet.telegram.out)
        await fleet.actor_fails()
        drained = await draining(fleet)

        assert STOPPING == ended(await fleet.told(asked))
        await fleet.told(drained)

    on_a_loop(story)


def test_a_bot_that_fails_while_the_fleet_stops_sends_nothing_when_it_is_back() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        out = fleet.say("out")
        await fleet.until(lambda: fleet.telegram.out)
        drained = await draining(fleet, 60)
        await fleet.actor_fails()
        fleet.telegram.out[0].gets(REFUSED_CONNECTION)
        await fleet.advance(5)
        await fleet.told(drained)

        assert "shutting_down" == ended(await fleet.told(out))[1]
        assert 1 == len(fleet.telegram.calls)

    on_a_loop(story)


# What is asked of a fleet that stops already


@pytest.mark.parametrize(
    "message", [SetBreaker(BOT_ID, True, "late"), CheckToken(BOT_ID)], ids=lambda one: type(one).__name__
)
def test_a_fleet_that_stops_wakes_no_bot_for_what_is_only_asked_now(message: Change) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.ask(Drain(0)))

        assert STOPPING == ended(await fleet.told(fleet.ask(message)))
        assert [] == fleet.shelf.reads

    on_a_loop(story)


# Commands


def test_a_command_whose_acceptance_is_on_disk_only_now_is_left_to_the_next_process() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.journal.is_away = True
        asked = fleet.say("accepted late", durability=Durability("0" * 64, "a key"))
        await fleet.rest()
        drained = await draining(fleet)
        assert not drained.done()
        fleet.journal.is_away = False

        assert ("refused", "idempotency_in_flight") == ended(await fleet.told(asked))
        await fleet.told(drained)
        assert [] == fleet.telegram.calls
        assert ["command-accepted"] == [topic for topic in fleet.topics() if topic.startswith("command")]

    on_a_loop(story)


@pytest.mark.parametrize("durability", [Durability("0" * 64, "a key"), Durability("0" * 64)], ids=["key", "no key"])
def test_a_message_that_telegram_has_refused_for_now_was_certainly_not_sent_and_the_next_process_need_not_guess(
    durability: Durability,
) -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(flood(20))
        asked = fleet.say("accepted", durability=durability)
        await fleet.until(lambda: fleet.telegram.calls)
        await fleet.rest()
        drained = await draining(fleet)

        assert ("not_sent", "shutting_down") == ended(await fleet.told(asked))
        await fleet.told(drained)
        assert "command-not-sent" == [topic for topic in fleet.topics() if topic.startswith("command")][-1]

    on_a_loop(story)


def test_an_edit_that_telegram_has_refused_for_now_is_left_to_the_next_process() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(flood(20))
        edit = {"method": "editMessageText", "parameters": {"chat_id": 42, "message_id": 1, "text": "new"}}
        asked = fleet.ask(Execute(a_command(received_at=fleet.clock.utc(), **edit), Durability("0" * 64, "a key")))
        await fleet.until(lambda: fleet.telegram.calls)
        await fleet.rest()
        drained = await draining(fleet)

        assert ("refused", "idempotency_in_flight") == ended(await fleet.told(asked))
        await fleet.told(drained)

    on_a_loop(story)


def test_an_outcome_that_the_disk_has_not_taken_by_the_end_of_the_stop_is_told_all_the_same() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        asked = fleet.say("hello", deadline_s=3600.0)
        await fleet.until(lambda: fleet.telegram.out)
        fleet.journal.is_away = True
        fleet.telegram.out[0].gets(DELIVERED)
        drained = await draining(fleet, 5)
        await fleet.advance(5)
        await fleet.until(lambda: fleet.telegram.closed)
        assert not asked.done()
        await fleet.advance(LAST_WORDS_S)
        await fleet.told(drained)

        assert ("delivered", "delivery_unrecorded") == ended(await fleet.told(asked))
        # Whoever makes sure of the stop once more does not wait once more.
        await fleet.told(fleet.ask(Drain(10)))

    on_a_loop(story)


@pytest.mark.parametrize(
    ("durability", "expected"),
    [(None, ("uncertain", "delivery_unrecorded")), (Durability("0" * 64), ("refused", "idempotency_in_flight"))],
    ids=["plain", "durable"],
)
def test_a_command_of_which_nobody_has_heard_by_the_end_of_the_stop_is_answered(
    durability: Durability | None, expected: tuple[str, str]
) -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        asked = fleet.say("lost", durability=durability, deadline_s=3600.0)
        await fleet.until(lambda: fleet.telegram.out)
        fleet.telegram.out[0].answer = DELIVERED  # which nobody is told
        drained = await draining(fleet, 5)
        await fleet.advance(5)
        await fleet.until(lambda: fleet.telegram.closed)
        await fleet.advance(LAST_WORDS_S)
        await fleet.told(drained)

        assert expected == ended(await fleet.told(asked))

    on_a_loop(story)


def test_a_command_of_a_bot_that_has_not_come_back_by_the_end_of_the_stop_is_answered() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        out, behind = fleet.say("out"), fleet.say("behind", durability=Durability("0" * 64))
        await fleet.until(lambda: fleet.telegram.out)
        fleet.shelf.may_read.clear()
        await fleet.actor_fails()
        drained = await draining(fleet, 5)
        await fleet.advance(5)
        await fleet.until(lambda: fleet.telegram.closed)
        await fleet.advance(LAST_WORDS_S)
        await fleet.told(drained)

        assert ("uncertain", "delivery_unrecorded") == ended(await fleet.told(out))
        assert ("refused", "idempotency_in_flight") == ended(await fleet.told(behind))

    on_a_loop(story)


# A failure


def test_a_change_over_which_its_bot_fails_is_answered() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        fleet.sealing = fails
        asked = fleet.ask(ConfigureBot(BOT_ID, TENANT, {"callback_url": "https://tenant.example.com/"}, "tenant"))

        assert ("refused", "internal") == ended(await fleet.told(asked))
        await fleet.advance(1)
        await fleet.wakes()
        assert 1 == len(fleet.journal.of(e.ActorFailed))

    on_a_loop(story)


def fails(tenant_id: str, purpose: str, plain: bytes) -> bytes:
    del tenant_id, purpose, plain
    raise ValueError("for a test")
