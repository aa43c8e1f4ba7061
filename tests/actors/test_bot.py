"""A bot's actor: what its owner may change, what a refused token leads to, and what an heir takes over."""

from __future__ import annotations

import pytest

from actors.guards import Policy
from actors.life import SNAPSHOT_EVERY, SteppedDown
from actors.mail import Lifecycle, Register
from actors.messages import BotChanged, ConfigureBot, RemoveBot, ResumeBot, SuspendBot
from actors.runtime import LoopFuture
from actors.slot import Memory
from domain import events as e
from domain.failure import Answer
from domain.refusal import Refused
from domain.rules.breaker import BreakerPolicy
from domain.rules.holds import Holds
from domain.rules.pacing import PacePolicy
from domain.streams import bot_stream
from tests.doubles import DELIVERED, LOST, REFUSED_CONNECTION, REVOKED, LoneBot, flood
from tests.examples import BOT_ID, OTHER_TENANT, TENANT, a_token, an_identity

SUSPEND = SuspendBot(BOT_ID, TENANT, "too loud", "tenant")
RESUME = ResumeBot(BOT_ID, TENANT, "tenant")
REMOVE = RemoveBot(BOT_ID, TENANT)


def change(bot: LoneBot, message: Register | ConfigureBot | SuspendBot | ResumeBot | RemoveBot) -> LoopFuture:
    reply = LoopFuture()
    bot.tell(Lifecycle(message, reply))
    bot.rest()
    return reply


# What its owner changes


def test_a_change_is_answered_with_its_position_once_it_is_on_disk() -> None:
    bot = LoneBot()
    bot.journal.is_away = True
    reply = change(bot, SUSPEND)

    assert not reply.done()
    bot.journal.is_away = False
    bot.rest()
    assert BotChanged(BOT_ID, "examples_bot", "suspended", bot.journal.log[-1].position) == reply.get()


def test_suspending_twice_is_no_second_event() -> None:
    bot = LoneBot()
    change(bot, SUSPEND)

    assert BotChanged(BOT_ID, "examples_bot", "suspended", None) == change(bot, SUSPEND).get()
    assert 1 == len(bot.journal.of(e.BotSuspended))


def test_a_suspension_ends_what_waits_and_lets_what_is_out_come_home() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    out, waiting = bot.say("out"), bot.say("waiting")
    change(bot, SUSPEND)
    bot.answer()

    assert ("delivered", "") == out.ended
    assert ("not_sent", "bot_suspended") == waiting.ended
    assert ["out"] == bot.telegram.texts


def test_a_resumed_bot_works_again() -> None:
    bot = LoneBot()
    change(bot, SUSPEND)
    change(bot, RESUME)

    assert ("delivered", "") == bot.say("hello").ended


def test_a_removed_bot_is_nobodys_and_sends_nothing() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    bot.say("out")
    waiting = bot.say("waiting")
    change(bot, REMOVE)
    bot.answer()

    assert ("not_sent", "cancelled") == waiting.ended
    assert ["out"] == bot.telegram.texts
    assert () == bot.slot.tenants


def test_a_retry_of_a_bot_that_was_removed_meanwhile_does_not_leave() -> None:
    bot = LoneBot()
    bot.telegram.will(REFUSED_CONNECTION)
    hello = bot.say("hello")
    change(bot, REMOVE)
    bot.advance(1)

    assert ("not_sent", "cancelled") == hello.ended
    assert ["hello"] == bot.telegram.texts


def test_a_second_tenant_gets_a_claim_and_no_word_about_the_owner() -> None:
    bot = LoneBot()
    who = an_identity(tenant_id=OTHER_TENANT, username="examples_bot")
    told = change(bot, Register(who, a_token())).get()

    assert isinstance(told, BotChanged)
    assert "unverified" == told.status
    assert (TENANT, OTHER_TENANT) == bot.slot.tenants
    assert ("not_sent", "bot_unverified") == bot.say("hello", tenant_id=OTHER_TENANT).ended
    assert ("delivered", "") == bot.say("hello").ended


def test_a_bot_registered_again_after_its_removal_calls_with_its_new_token() -> None:
    bot = LoneBot()
    change(bot, REMOVE)
    change(bot, Register(an_identity(), a_token()))
    bot.say("hello")

    assert [a_token()] == [call.token for call in bot.telegram.calls]


def test_a_bot_registered_again_after_its_removal_goes_at_the_fleet_s_pace() -> None:
    bot = LoneBot()
    change(bot, ConfigureBot(BOT_ID, TENANT, {"bot_rps": 1}, "tenant"))
    change(bot, REMOVE)
    change(bot, Register(an_identity(), a_token()))
    for chat in (1, 2, 3):
        bot.say("hello", chat)

    assert ["hello"] * 3 == bot.telegram.texts


@pytest.mark.parametrize("message", [Register(an_identity(), a_token()), ConfigureBot(BOT_ID, TENANT, {}, "tenant")])
def test_a_change_that_leaves_the_pace_as_it_was_lets_nobody_go_sooner(message: Register | ConfigureBot) -> None:
    bot = LoneBot(policy=Policy(PacePolicy(1, 0, 0), BreakerPolicy()))
    bot.telegram.will(flood(1))
    bot.say("too fast", 1, deadline_s=1.0)
    bot.advance(9.9)
    bot.say("at half the pace", 2)
    bot.say("two seconds later", 3)
    bot.advance(0.2)
    change(bot, message)
    bot.advance(1.7)
    before = list(bot.telegram.texts)
    bot.advance(0.2)

    assert ["too fast", "at half the pace"] == before
    assert "two seconds later" == bot.telegram.texts[-1]


def test_what_waits_for_its_chat_already_waits_no_longer_than_the_new_pace_asks() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(0, 0.01, 0), BreakerPolicy()))
    for text in ("one", "two", "three", "in 100 seconds"):
        bot.say(text, deadline_s=300.0)
    change(bot, ConfigureBot(BOT_ID, TENANT, {"chat_rps": 1}, "tenant"))
    before = list(bot.telegram.texts)
    bot.advance(1)

    assert ["one", "two", "three"] == before
    assert "in 100 seconds" == bot.telegram.texts[-1]


def test_a_new_pace_lets_no_retry_go_sooner() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(0, 0.01, 0), BreakerPolicy()))
    bot.telegram.will(flood(20))
    bot.say("hello", deadline_s=300.0)
    change(bot, ConfigureBot(BOT_ID, TENANT, {"chat_rps": 1}, "tenant"))
    bot.advance(19)

    assert ["hello"] == bot.telegram.texts
    bot.advance(1)
    assert ["hello"] * 2 == bot.telegram.texts


def test_a_snapshot_is_kept_now_and_then() -> None:
    bot = LoneBot()
    for _ in range(SNAPSHOT_EVERY // 2):
        change(bot, SUSPEND)
        change(bot, RESUME)

    assert SNAPSHOT_EVERY == bot.journal.snapshots[bot_stream(BOT_ID)].version


# A token that Telegram refuses


def test_a_bot_whose_token_was_revoked_is_suspended_after_a_look_at_it() -> None:
    bot = LoneBot()
    bot.telegram.works(REVOKED)
    hello = bot.say("hello")

    assert ("rejected", "token_unauthorized") == hello.ended
    assert ["sendMessage", "getMe"] == [call.method for call in bot.telegram.calls]
    (suspended,) = bot.journal.of(e.BotSuspended)
    assert isinstance(suspended, e.BotSuspended)
    assert ("botloft", TENANT) == (suspended.by, suspended.tenant_id)
    assert ("not_sent", "bot_suspended") == bot.say("next").ended


@pytest.mark.parametrize(("answer", "then"), [(DELIVERED, "delivered"), (LOST, "not_sent")])
def test_a_single_refusal_of_the_token_may_be_a_slip_of_telegrams(answer: Answer, then: str) -> None:
    bot = LoneBot()
    bot.telegram.will(REVOKED, answer)
    bot.say("hello")

    assert [] == bot.journal.of(e.BotSuspended)
    assert then == bot.say("next").outcome.final


def test_many_refusals_of_the_token_are_looked_into_once() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    for n in range(5):
        bot.say("hello", n)
    for call in list(bot.telegram.out):
        call.gets(REVOKED)
    bot.rest()

    assert ["getMe"] == [call.method for call in bot.telegram.out]


# Somebody else owns it


def test_an_actor_whose_stream_somebody_else_has_written_to_steps_down() -> None:
    bot = LoneBot()
    bot.journal.somebody_else_wrote(bot_stream(BOT_ID))
    reply = LoopFuture()
    bot.tell(Lifecycle(SUSPEND, reply))

    with pytest.raises(SteppedDown):
        bot.rest()
    told = reply.get()
    assert isinstance(told, Refused)
    assert "store_unavailable" == told.code


def test_its_heir_does_not_step_down_for_what_its_predecessor_wrote() -> None:
    bot = LoneBot()
    for _ in range(5):
        bot.journal.somebody_else_wrote(bot_stream(BOT_ID))
    bot.journal.is_away = True
    change(bot, SUSPEND)
    change(bot, RESUME)
    bot.journal.is_away = False
    with pytest.raises(SteppedDown):
        bot.rest()
    bot.journal.knows(bot_stream(BOT_ID), bot.bot.version)
    bot.dies_and_restarts()
    bot.rest()

    assert ("delivered", "") == bot.say("hello").ended


# What an heir takes over


def restart(bot: LoneBot) -> None:
    bot.dies_and_restarts()
    bot.rest()


def test_what_waited_for_the_old_actor_is_sent_by_the_new_one_in_its_order() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    for n in range(3):
        bot.say(f"{n}")
    restart(bot)

    assert ["0"] == bot.telegram.texts
    for _ in range(3):
        bot.answer()
    assert ["0", "1", "2"] == bot.telegram.texts


def test_an_answer_that_comes_between_two_actors_is_not_lost() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    hello = bot.say("hello")
    bot.dies()
    bot.answer()
    assert [] == hello.told
    bot.starts()
    bot.rest()

    assert ("delivered", "") == hello.ended


def test_a_start_that_is_recorded_between_two_actors_is_not_lost() -> None:
    bot = LoneBot()
    bot.journal.is_away = True
    hello = bot.say("hello")
    bot.dies()
    bot.journal.is_away = False
    bot.rest()
    bot.starts()
    bot.rest()

    assert ("delivered", "") == hello.ended
    assert ["hello"] == bot.telegram.texts


def test_a_command_that_comes_between_two_actors_is_executed_once() -> None:
    bot = LoneBot()
    bot.dies()
    hello = bot.say("hello")
    bot.starts()
    bot.rest()

    assert ("delivered", "") == hello.ended
    assert ["hello"] == bot.telegram.texts


def test_the_new_actor_knows_the_holds_and_the_pace_of_the_old_one() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(2, 0, 0), BreakerPolicy()))
    bot.telegram.will(flood(5))
    hello = bot.say("hello")
    restart(bot)
    bot.advance(4.9)
    assert [] == hello.told
    bot.advance(0.1)

    assert ("delivered", "") == hello.ended


def test_what_was_out_counts_for_the_new_actor() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(0, 0, 0), BreakerPolicy(), max_in_flight=1))
    bot.telegram.waits()
    bot.say("out", 1)
    restart(bot)
    waiting = bot.say("waiting", 2)

    assert [] == waiting.told
    assert ["out"] == bot.telegram.texts
    bot.answer()
    assert ["out", "waiting"] == bot.telegram.texts


def test_a_deadline_holds_across_a_restart() -> None:
    bot = LoneBot()
    bot.slot.memory = Memory(holds=Holds({"chat:42": 1020.0}))
    hello = bot.say("hello", deadline_s=25)
    bot.dies()
    bot.advance(25)
    bot.starts()
    bot.rest()

    assert ("not_sent", "deadline_exceeded") == hello.ended


def test_an_outcome_on_its_way_to_the_disk_is_recorded_once() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    hello = bot.say("hello")
    bot.journal.is_away = True
    bot.answer()
    restart(bot)
    bot.journal.is_away = False
    bot.rest()

    assert ("delivered", "") == hello.ended
    assert 1 == len(bot.journal.of(e.CommandDelivered))


def test_a_late_timer_of_the_old_actor_does_no_harm() -> None:
    bot = LoneBot()
    bot.telegram.will(REFUSED_CONNECTION)
    hello = bot.say("hello")
    bot.dies()
    bot.advance(60)

    assert [] == hello.told
    bot.starts()
    bot.rest()
    assert ("not_sent", "deadline_exceeded") == hello.ended


def test_a_message_that_the_actor_does_not_know_is_an_error() -> None:
    bot = LoneBot()
    bot.tell("hello?")

    with pytest.raises(TypeError, match="no case for str"):
        bot.rest()
