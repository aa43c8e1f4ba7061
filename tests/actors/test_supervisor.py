"""The supervisor on a real loop: waking, failing, registering, refusing and stopping."""

from __future__ import annotations

import asyncio

import pytest

from actors.guards import Policy
from actors.messages import (
    BotChanged,
    BreakerState,
    Cancel,
    DescribeBreaker,
    DescribeFleet,
    Drain,
    Durability,
    Execute,
    FleetState,
    RegisterBot,
    RemoveBot,
    Replayed,
    ResumeBot,
    SetBreaker,
    SuspendBot,
)
from actors.runtime import stopped
from domain import events as e
from domain.errors import StoreUnavailable
from domain.failure import Answer, Delivered
from domain.refusal import Refused
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from tests.actors.fleets import Fleet, ended, on_a_loop
from tests.doubles import DELIVERED, LOST, REFUSED_CONNECTION, REVOKED, UNLIMITED, Call, flood
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, TENANT, a_command, a_token

NEW_BOT_ID = 7_000_000_009
ME = Delivered(f'{{"id":{NEW_BOT_ID},"is_bot":true,"first_name":"New","username":"new_bot"}}'.encode())
AWAY = StoreUnavailable("for a test")


# Waking


def test_a_command_wakes_its_bot() -> None:
    async def story(fleet: Fleet) -> None:
        assert ("delivered", "") == ended(await fleet.told(fleet.say("hello")))
        assert ("delivered", "") == ended(await fleet.told(fleet.say("again")))
        assert [BOT_ID] == fleet.shelf.reads
        assert 1 == fleet.topics().count("actor-started")

    on_a_loop(story)


def test_commands_that_come_while_it_wakes_wait_in_their_order() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.shelf.may_read.clear()
        asked = [fleet.say(f"{n}") for n in range(5)]
        await fleet.rest()
        assert [] == fleet.telegram.calls
        fleet.shelf.may_read.set()

        assert [("delivered", "")] * 5 == [ended(told) for told in await fleet.told(*asked)]
        assert ["0", "1", "2", "3", "4"] == fleet.telegram.texts
        assert [BOT_ID] == fleet.shelf.reads

    on_a_loop(story)


@pytest.mark.parametrize("trouble", [AWAY, KeyError("a topic that this version does not know")])
def test_a_bot_that_cannot_be_read_refuses_and_changes_nothing(trouble: Exception) -> None:
    async def story(fleet: Fleet) -> None:
        fleet.shelf.trouble = trouble
        told = await fleet.told(fleet.say("one"), fleet.say("two"), fleet.ask(SuspendBot(BOT_ID, TENANT, "", "tenant")))

        assert [("refused", "store_unavailable")] * 3 == [ended(one) for one in told]
        assert [] == fleet.topics()
        assert 0 == fleet.slot.open_commands
        fleet.shelf.trouble = None
        assert ("delivered", "") == ended(await fleet.told(fleet.say("three")))
        assert ["three"] == fleet.telegram.texts

    on_a_loop(story)


def test_the_fleet_knows_how_it_is() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        fleet.say("hello")
        await fleet.until(lambda: fleet.telegram.out)

        assert FleetState(2, 1, 1, draining=False) == await fleet.told(fleet.ask(DescribeFleet()))

    on_a_loop(story, UNLIMITED, (BOT_ID, TENANT), (OTHER_BOT_ID, OTHER_TENANT))


# An actor that fails


def test_a_failed_actor_is_started_again_and_every_command_ends_once() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        out, waiting, edit = fleet.say("out"), fleet.say("waiting"), fleet.say("other chat", 7)
        await fleet.until(lambda: len(fleet.telegram.out) == 2)
        await fleet.actor_fails()
        fleet.telegram.out[0].gets(DELIVERED)
        late = fleet.say("late")
        fleet.telegram.works()
        await fleet.advance(0.1)
        await fleet.wakes()
        fleet.telegram.out[0].gets(LOST)

        told = [ended(one) for one in await fleet.told(out, waiting, edit, late)]
        assert [("delivered", ""), ("delivered", ""), ("uncertain", "delivery_uncertain"), ("delivered", "")] == told
        assert ["out", "other chat", "waiting", "late"] == fleet.telegram.texts
        assert 4 == len(fleet.journal.of(e.Ended))
        assert ["actor-started", "actor-failed", "actor-restarted", "actor-started"] == [
            topic for topic in fleet.topics() if topic.startswith("actor-")
        ]

    on_a_loop(story)


def test_what_an_actor_wrote_is_on_disk_before_its_successor_reads() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        fleet.journal.is_away = True
        suspended = fleet.ask(SuspendBot(BOT_ID, TENANT, "a test", "tenant"))
        await fleet.rest()
        await fleet.actor_fails()
        await fleet.advance(60)
        assert [BOT_ID] == fleet.shelf.reads
        fleet.journal.is_away = False

        assert isinstance(await fleet.told(suspended), BotChanged)
        assert ("not_sent", "bot_suspended") == ended(await fleet.told(fleet.say("again")))

    on_a_loop(story)


def test_each_failure_in_a_row_waits_longer() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        for wait in (0.1, 0.2, 0.4, 0.8):
            await fleet.actor_fails()
            await fleet.advance(wait - 0.01)
            assert fleet.slot.actor is None
            await fleet.advance(0.02)
            await fleet.wakes()

        assert [0.1, 0.2, 0.4, 0.8] == [event.after_s for event in fleet.journal.of(e.ActorRestarted)]

    on_a_loop(story)


def test_a_bot_that_fails_again_and_again_is_suspended_and_tried_again_later() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        for _ in range(6):
            await fleet.actor_fails()
            await fleet.advance(2)
            await fleet.wakes()

        assert ("not_sent", "bot_suspended") == ended(await fleet.told(fleet.say("sick")))
        (suspended,) = fleet.journal.of(e.BotSuspended)
        assert isinstance(suspended, e.BotSuspended)
        assert "botloft" == suspended.by
        await fleet.advance(600)
        await fleet.until(lambda: fleet.journal.of(e.BotResumed))
        assert ("delivered", "") == ended(await fleet.told(fleet.say("well")))

    on_a_loop(story)


def test_a_command_that_meets_a_failed_actor_wakes_no_second_one() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        assert fleet.slot.actor is not None
        # The actor fails before the supervisor looks at the command, which comes before the word of the failure.
        fleet.slot.actor.tell("something that no actor knows")
        asked = fleet.supervisor.ask(Execute(a_command(command_id="meanwhile")), block=False)
        await fleet.rest()
        await fleet.advance(1)
        await fleet.until(asked.done)  # type: ignore[attr-defined]  # a LoopFuture

        assert ("delivered", "") == ended(asked.get())
        assert 2 == fleet.topics().count("actor-started")
        assert 2 == len(fleet.shelf.reads)

    on_a_loop(story)


def test_a_command_refused_while_its_bot_had_no_actor_is_never_sent_later() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        assert fleet.slot.actor is not None
        fleet.shelf.may_read.clear()
        # As above: it is handed to an actor that has failed, and so its message is kept for the next one.
        fleet.slot.actor.tell("something that no actor knows")
        refused = fleet.say("too late", deadline_s=1)
        await fleet.advance(2)
        assert ("refused", "store_unavailable") == ended(await fleet.told(refused))
        fleet.shelf.may_read.set()
        await fleet.wakes()
        await fleet.advance(10)
        assert ("delivered", "") == ended(await fleet.told(fleet.say("next")))

        assert ["hello", "next"] == fleet.telegram.texts
        assert 2 == len(fleet.journal.of(e.Ended))

    on_a_loop(story)


def test_a_durable_command_is_not_accepted_while_there_is_no_room_to_say_so() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        recorded, fleet.journal.max_backlog = len(fleet.journal.log), fleet.journal.taken
        refused = fleet.say("full", durability=Durability("0" * 64, key="k"))

        assert ("refused", "store_unavailable") == ended(await fleet.told(refused))
        assert recorded == len(fleet.journal.log)
        fleet.journal.max_backlog = 10
        again = fleet.say("full", durability=Durability("0" * 64, key="k"))
        assert ("delivered", "") == ended(await fleet.told(again))
        assert 0 == fleet.journal.taken

    on_a_loop(story)


def test_a_durable_command_is_recorded_as_started_before_it_leaves_though_it_may_be_repeated() -> None:
    async def story(fleet: Fleet) -> None:
        started_when_it_left: list[int] = []

        def leaves(_: Call) -> Answer:
            started_when_it_left.append(len(fleet.journal.of(e.CommandStarted)))
            return DELIVERED

        await fleet.told(fleet.say("hello"))
        fleet.telegram.otherwise = leaves
        fleet.journal.is_away = True
        plain = fleet.say("", method="getMe", parameters={}, chat=None)
        await fleet.until(lambda: started_when_it_left)
        fleet.journal.is_away = False
        await fleet.told(plain)
        durable = fleet.say("", durability=Durability("0" * 64), method="getMe", parameters={}, chat=None)

        assert ("delivered", "") == ended(await fleet.told(durable))
        assert [1, 2] == started_when_it_left
        assert ["command-accepted", "command-started", "command-delivered"] == fleet.topics()[-3:]

    on_a_loop(story)


def test_a_bot_that_cannot_be_read_after_a_failure_is_read_once_a_second_until_it_can() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        out = fleet.say("out")
        await fleet.until(lambda: fleet.telegram.out)
        fleet.shelf.trouble = AWAY
        await fleet.actor_fails()
        for reads, wait_s in ((2, 0.1), (3, 1), (4, 1)):
            asked = fleet.say("hello")
            await fleet.rest()
            assert reads - 1 == len(fleet.shelf.reads)
            await fleet.advance(wait_s)
            assert ("refused", "store_unavailable") == ended(await fleet.told(asked))
            assert reads == len(fleet.shelf.reads)
        fleet.shelf.trouble = None
        await fleet.advance(1)
        await fleet.wakes()
        fleet.telegram.out[0].gets(DELIVERED)

        assert ("delivered", "") == ended(await fleet.told(out))
        assert 2 == fleet.topics().count("actor-started")

    on_a_loop(story)


def test_what_was_tried_already_is_not_refused_as_if_nothing_had_been_sent() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(LOST)
        edit = {"method": "editMessageText", "parameters": {"chat_id": 42, "message_id": 1, "text": "new"}}
        asked = fleet.say("", **edit)
        await fleet.until(lambda: fleet.telegram.calls)
        await fleet.rest()
        fleet.shelf.trouble = AWAY
        await fleet.actor_fails()
        await fleet.advance(0.1)
        await fleet.until(lambda: len(fleet.shelf.reads) == 2)
        await fleet.rest()
        assert not asked.done()
        fleet.shelf.trouble = None
        await fleet.advance(2)
        await fleet.wakes()

        assert ("delivered", "") == ended(await fleet.told(asked))
        assert 0 == fleet.journal.taken

    on_a_loop(story)


def test_an_accepted_command_is_not_refused_when_its_bot_cannot_be_read() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.shelf.trouble = AWAY
        asked = fleet.say("hello", durability=Durability("0" * 64))
        await fleet.until(lambda: fleet.shelf.reads)
        await fleet.rest()
        assert not asked.done()
        fleet.shelf.trouble = None
        await fleet.advance(1)

        assert ("delivered", "") == ended(await fleet.told(asked))

    on_a_loop(story)


def test_a_result_that_cannot_be_opened_refuses_its_caller_and_stops_nobody() -> None:
    async def story(fleet: Fleet) -> None:
        keyed = Durability("0" * 64, key="the same")
        assert ("delivered", "") == ended(await fleet.told(fleet.say("hello", durability=keyed)))
        fleet.shelf.open_trouble = AWAY
        assert ("refused", "store_unavailable") == ended(await fleet.told(fleet.say("hello", durability=keyed)))
        fleet.shelf.open_trouble = None
        replayed = await fleet.told(fleet.say("hello", durability=keyed))

        assert isinstance(replayed, Replayed)
        assert DELIVERED.result == replayed.outcome.result
        assert ["hello"] == fleet.telegram.texts

    on_a_loop(story)


# Whose bot it is


def test_other_tenants_bots_are_not_there() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        fleet.say("hello", command_id="acmes")
        await fleet.until(lambda: fleet.telegram.out)
        asked = [
            fleet.say("hello", tenant_id=OTHER_TENANT),
            fleet.say("hello", bot_id=NEW_BOT_ID),
            fleet.ask(SuspendBot(BOT_ID, OTHER_TENANT, "", "tenant")),
            fleet.ask(ResumeBot(BOT_ID, OTHER_TENANT, "tenant")),
            fleet.ask(RemoveBot(BOT_ID, OTHER_TENANT)),
        ]
        cancelled = [fleet.ask(Cancel(one, BOT_ID, OTHER_TENANT)) for one in ("acmes", "nobodys")]

        assert 1 == len(set(await fleet.told(*cancelled)))
        assert 1 == len(fleet.telegram.out)
        assert [("refused", "not_found")] * 5 == [ended(told) for told in await fleet.told(*asked)]

    on_a_loop(story)


def test_a_method_that_telegram_does_not_have_is_not_there() -> None:
    async def story(fleet: Fleet) -> None:
        assert ("refused", "not_found") == ended(await fleet.told(fleet.say("hello", method="sendNothing")))

    on_a_loop(story)


def test_a_bot_takes_no_more_commands_than_it_may_have_waiting() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        asked = [fleet.say(f"{n}") for n in range(6)]

        assert ("refused", "overloaded") == ended(await fleet.told(asked.pop()))
        await fleet.until(lambda: fleet.telegram.out)
        fleet.telegram.works()
        fleet.telegram.out[0].gets(DELIVERED)
        assert [("delivered", "")] * 5 == [ended(told) for told in await fleet.told(*asked)]
        assert ("delivered", "") == ended(await fleet.told(fleet.say("room again")))

    on_a_loop(story, Policy(PacePolicy(0, 0, 0), BreakerPolicy(), max_in_flight=2, max_waiting=3))


# Registering


def register(fleet: Fleet, tenant_id: str = TENANT, bot_id: int = NEW_BOT_ID) -> asyncio.Future[object]:
    return fleet.ask(RegisterBot(tenant_id, a_token(bot_id)))


def test_a_registered_bot_is_the_one_that_telegram_introduces() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(ME)
        told = await fleet.told(register(fleet))

        assert BotChanged(NEW_BOT_ID, "new_bot", "active", fleet.journal.log[-1].position) == told
        assert ["getMe"] == [call.method for call in fleet.telegram.calls]
        assert ("delivered", "") == ended(await fleet.told(fleet.say("hello", bot_id=NEW_BOT_ID)))
        (registered,) = [event for event in fleet.journal.of(e.BotRegistered) if event.bot_id == NEW_BOT_ID]
        assert isinstance(registered, e.BotRegistered)
        assert a_token(NEW_BOT_ID).reveal().encode() not in registered.token_sealed

    on_a_loop(story)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (REVOKED, "token_unauthorized"),
        (REFUSED_CONNECTION, "token_unreachable"),
        (LOST, "token_unreachable"),
        (flood(9), "telegram_hold"),
        (Delivered(b'{"id":7000000001,"first_name":"Another"}'), "token_unauthorized"),
        (Delivered(b'["a proxy\'s idea of JSON"]'), "token_unreachable"),
    ],
)
def test_a_bot_that_is_not_introduced_is_not_registered(answer: Answer, code: str) -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(answer)
        told = await fleet.told(register(fleet))

        assert ("refused", code) == ended(told)
        assert isinstance(told, Refused)
        assert a_token(NEW_BOT_ID).reveal() not in told.detail
        assert [] == fleet.topics()
        assert NEW_BOT_ID not in fleet.slots

    on_a_loop(story)


def test_a_token_that_cannot_be_kept_is_not_registered() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(ME)
        fleet.shelf.seal_trouble = AWAY

        assert ("refused", "store_unavailable") == ended(await fleet.told(register(fleet)))
        assert [] == fleet.topics()

    on_a_loop(story)


def test_registering_ones_own_bot_twice_is_refused() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.works(ME)
        await fleet.told(register(fleet))

        assert ("refused", "bot_exists") == ended(await fleet.told(register(fleet)))

    on_a_loop(story)


def test_a_bot_that_somebody_has_is_unverified_for_another() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.works(ME)
        await fleet.told(register(fleet))
        told = await fleet.told(register(fleet, OTHER_TENANT))

        assert isinstance(told, BotChanged)
        assert "unverified" == told.status
        theirs = fleet.say("hello", bot_id=NEW_BOT_ID, tenant_id=OTHER_TENANT)
        assert ("refused", "bot_unverified") == ended(await fleet.told(theirs))

    on_a_loop(story)


def test_a_removed_bot_can_be_registered_by_anybody() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.works(ME)
        await fleet.told(register(fleet))
        await fleet.told(fleet.ask(RemoveBot(NEW_BOT_ID, TENANT)))
        assert ("refused", "not_found") == ended(await fleet.told(fleet.say("hello", bot_id=NEW_BOT_ID)))
        told = await fleet.told(register(fleet, OTHER_TENANT))

        assert isinstance(told, BotChanged)
        assert "active" == told.status

    on_a_loop(story)


def test_a_bot_that_nobody_has_shows_no_breaker_as_after_a_restart_and_whoever_comes_finds_it_forced_open() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.works(ME)
        await fleet.told(register(fleet))
        await fleet.told(fleet.ask(SetBreaker(NEW_BOT_ID, is_open=True, reason="a flood")))
        await fleet.told(fleet.ask(RemoveBot(NEW_BOT_ID, TENANT)))
        nobodys = await fleet.told(fleet.ask(DescribeBreaker(NEW_BOT_ID)))
        process = Fleet(after=fleet)
        after_a_restart = await process.told(process.ask(DescribeBreaker(NEW_BOT_ID)))
        process.telegram.works(ME)
        await process.told(register(process, OTHER_TENANT))
        theirs = await process.told(process.ask(DescribeBreaker(NEW_BOT_ID)))
        await process.is_over()

        assert [("refused", "not_found")] * 2 == [ended(nobodys), ended(after_a_restart)]
        assert BreakerState(NEW_BOT_ID, "forced_open", 0, 0, None) == theirs

    on_a_loop(story)


# Stopping


async def draining(fleet: Fleet, bound_s: float = 10) -> asyncio.Future[object]:
    drained = fleet.ask(Drain(bound_s))
    await fleet.until(lambda: fleet.ask(DescribeFleet()) and fleet.supervisor.is_alive())
    await fleet.rest()
    return drained


def test_a_stopping_gateway_takes_nothing_new_and_lets_come_home_what_is_out() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        out, waiting = fleet.say("out"), fleet.say("waiting")
        await fleet.until(lambda: fleet.telegram.out)
        drained = await draining(fleet)

        assert ("not_sent", "shutting_down") == ended(await fleet.told(waiting))
        refused = [fleet.say("new"), fleet.ask(SuspendBot(BOT_ID, TENANT, "", "tenant")), register(fleet)]
        assert [("refused", "shutting_down")] * 3 == [ended(told) for told in await fleet.told(*refused)]
        assert not drained.done()
        fleet.telegram.out[0].gets(DELIVERED)
        assert ("delivered", "") == ended(await fleet.told(out))
        await fleet.told(drained)
        assert 1 == fleet.telegram.closed
        assert FleetState(1, 0, 0, draining=True) == await fleet.told(fleet.ask(DescribeFleet()))

    on_a_loop(story)


def test_what_is_not_home_by_the_bound_is_recorded_as_uncertain() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        out = fleet.say("out")
        await fleet.until(lambda: fleet.telegram.out)
        drained = await draining(fleet, 5)
        await fleet.advance(5)

        assert ("uncertain", "delivery_uncertain") == ended(await fleet.told(out))
        await fleet.told(drained)
        assert 1 == len(fleet.journal.of(e.CommandUncertain))

    on_a_loop(story)


def test_a_retry_is_not_waited_for_when_the_gateway_stops() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(flood(20))
        asked = fleet.say("hello")
        await fleet.until(lambda: fleet.telegram.calls)
        await fleet.rest()
        drained = await draining(fleet)

        assert ("not_sent", "shutting_down") == ended(await fleet.told(asked))
        await fleet.told(drained)

    on_a_loop(story)


def test_a_bot_that_is_just_waking_sends_nothing_once_the_gateway_stops() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.shelf.may_read.clear()
        asked = fleet.say("hello")
        await fleet.until(lambda: fleet.shelf.reads)
        drained = await draining(fleet)
        fleet.shelf.may_read.set()

        assert "shutting_down" == ended(await fleet.told(asked))[1]
        assert [] == fleet.telegram.calls
        await fleet.told(drained)

    on_a_loop(story)


def test_a_bot_that_waits_for_its_restart_keeps_no_caller_waiting_when_the_gateway_stops() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        await fleet.actor_fails()
        asked = fleet.say("waiting")
        await fleet.rest()
        drained = await draining(fleet, 0.05)

        assert "shutting_down" == ended(await fleet.told(asked))[1]
        await fleet.told(drained)
        assert ["hello"] == fleet.telegram.texts

    on_a_loop(story)


def test_a_retry_of_a_bot_that_waits_for_its_restart_does_not_leave_when_the_gateway_stops() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(REFUSED_CONNECTION)
        asked = fleet.say("hello")
        await fleet.until(lambda: fleet.telegram.calls)
        await fleet.rest()
        await fleet.actor_fails()
        drained = await draining(fleet)
        await fleet.advance(1)

        assert ("not_sent", "shutting_down") == ended(await fleet.told(asked))
        await fleet.told(drained)
        assert ["hello"] == fleet.telegram.texts

    on_a_loop(story)


def test_a_bot_that_telegram_introduces_while_the_gateway_stops_is_not_registered() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(None)
        registering = register(fleet)
        await fleet.until(lambda: fleet.telegram.out)
        (introduction,) = fleet.telegram.out
        fleet.telegram.waits()
        fleet.say("out")
        await fleet.until(lambda: len(fleet.telegram.out) == 2)
        drained = await draining(fleet)
        introduction.gets(ME)

        assert ("refused", "shutting_down") == ended(await fleet.told(registering))
        assert NEW_BOT_ID not in fleet.slots
        fleet.telegram.out[0].gets(DELIVERED)
        await fleet.told(drained)

    on_a_loop(story)


def test_stopping_wakes_nobody_and_may_be_asked_twice() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.ask(Drain(10)), fleet.ask(Drain(10)))

        assert [] == fleet.shelf.reads

    on_a_loop(story)


def test_a_question_that_the_supervisor_does_not_know_does_not_stop_it() -> None:
    async def story(fleet: Fleet) -> None:
        with pytest.raises(TypeError, match="no case for str"):
            await fleet.told(fleet.ask("how are you?"))
        assert ("delivered", "") == ended(await fleet.told(fleet.say("hello")))

    on_a_loop(story)


def test_a_stopped_supervisor_has_nothing_running() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.say("hello"))
        await stopped(fleet.supervisor)

        assert not fleet.supervisor.is_alive()

    on_a_loop(story)
