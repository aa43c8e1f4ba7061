"""What waits when its bot is suspended or removed: it hears of it at once, whatever it waits for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from actors.inbox import LoopFuture
from actors.mail import Lifecycle
from actors.messages import ChangeBot, CheckToken, RemoveBot, ResumeBot, SuspendBot
from actors.slot import Memory, Stage
from domain import events as e
from domain.rules.breaker import Breaker, Phase
from domain.rules.holds import BOT, Holds
from domain.rules.pacing import PacePolicy
from domain.streams import bot_stream
from tests.doubles import DELIVERED, LOST, REFUSED_CONNECTION, REVOKED, UNLIMITED, Asked, LoneBot, flood
from tests.examples import BOT_ID, TENANT, after

SUSPEND, REMOVE = SuspendBot(BOT_ID, TENANT, "too loud", "tenant"), RemoveBot(BOT_ID, TENANT)
PATIENT = {"patient": True, "deadline_s": 3600.0}
ENDS = pytest.mark.parametrize(
    ("how", "code", "topic"), [(SUSPEND, "bot_suspended", "bot-suspended"), (REMOVE, "cancelled", "bot-removed")]
)


def changed(bot: LoneBot, message: ChangeBot) -> None:
    bot.tell(Lifecycle(message, LoopFuture()))
    bot.rest()


def after_a_flood() -> LoneBot:
    bot = LoneBot()
    bot.telegram.will(flood(300))
    bot.say("too fast", deadline_s=1.0)
    return bot


def before_its_retry() -> LoneBot:
    bot = LoneBot()
    bot.telegram.will(REFUSED_CONNECTION)
    return bot


def behind_another() -> LoneBot:
    bot = LoneBot()
    bot.telegram.will(None)
    bot.say("at Telegram")
    return bot


def with_memory(memory: Memory) -> LoneBot:
    bot = LoneBot()
    bot.slot.memory = memory
    return bot


def after_another(**limits: object) -> LoneBot:
    bot = LoneBot(**limits)  # type: ignore[arg-type]
    bot.say("the first", chat=6)
    return bot


A_MINUTE_OPEN = Breaker(phase=Phase.OPEN, epoch=1, open_until=1060.0)
ONE_A_SECOND = replace(UNLIMITED, pace=PacePolicy(1, 0, 0))


@ENDS
@pytest.mark.parametrize(
    "waits",
    [
        after_a_flood,
        before_its_retry,
        behind_another,
        lambda: with_memory(Memory(holds=Holds({BOT: 1300.0}))),
        lambda: with_memory(Memory(breaker=A_MINUTE_OPEN)),
        lambda: after_another(policy=ONE_A_SECOND),
        lambda: after_another(method_rps={"sendMessage": 0.1}),
        lambda: after_another(fleet_rps=0.1),
    ],
)
def test_what_waits_hears_at_once_that_its_bot_may_not_send_any_more(
    waits: Callable[[], LoneBot], how: ChangeBot, code: str, topic: str
) -> None:
    bot = waits()
    asleep, behind_it = bot.say("asleep", **PATIENT), bot.say("behind it", **PATIENT)
    before = asleep.ticket.stage, behind_it.ticket.stage
    changed(bot, how)
    topics = [event.TOPIC for event in bot.journal.events]
    calls = len(bot.telegram.calls)

    assert (Stage.WAITING, Stage.WAITING) == before
    assert [("not_sent", code)] * 2 == [asleep.ended, behind_it.ended]
    assert [topic, "command-not-sent", "command-not-sent"] == topics[-3:]
    for call in bot.telegram.out:
        call.gets(DELIVERED)
    bot.advance(400)
    assert (calls, 0, 0) == (len(bot.telegram.calls), bot.slot.open_commands, bot.journal.taken)


@ENDS
@pytest.mark.parametrize("answer", [flood(300), REFUSED_CONNECTION])
def test_what_comes_back_from_telegram_to_wait_does_not_wait_for_a_bot_that_may_not_send_any_more(
    how: ChangeBot, code: str, topic: str, answer: object
) -> None:
    del topic
    bot = LoneBot()
    bot.telegram.will(None)
    out = bot.say("at Telegram", **PATIENT)
    changed(bot, how)
    before = list(out.told)
    bot.answer(answer)

    assert [] == before
    assert ("not_sent", code) == out.ended


def test_a_resumed_bot_sends_nothing_that_waited_when_it_was_suspended() -> None:
    bot = after_a_flood()
    asleep = bot.say("asleep", **PATIENT)
    changed(bot, SUSPEND)
    changed(bot, ResumeBot(BOT_ID, TENANT, "botloft"))
    later = bot.say("later", **PATIENT)
    bot.advance(300)

    assert [("not_sent", "bot_suspended"), ("delivered", "")] == [asleep.ended, later.ended]
    assert ["too fast", "later"] == bot.telegram.texts


def test_a_revoked_token_ends_what_sleeps_too() -> None:
    bot = after_a_flood()
    asleep = bot.say("asleep", **PATIENT)
    bot.telegram.works(REVOKED)
    changed(bot, CheckToken(BOT_ID))

    assert ("not_sent", "bot_suspended") == asleep.ended


def test_what_may_have_been_executed_stays_uncertain() -> None:
    bot = LoneBot()
    bot.telegram.will(LOST)
    asleep = bot.say("it may have arrived", retry_uncertain=True, **PATIENT)
    changed(bot, SUSPEND)

    assert ("uncertain", "delivery_uncertain") == asleep.ended


def test_an_heir_tells_those_who_wait_that_somebody_else_has_suspended_the_bot() -> None:
    bot = behind_another()
    behind = bot.say("behind it", **PATIENT)
    suspended = e.BotSuspended(occurred_at=after(1), bot_id=BOT_ID, tenant_id=TENANT, reason="elsewhere", by="admin")
    bot.journal.write(bot_stream(BOT_ID), bot.bot.version, (suspended,))
    bot.dies_and_restarts()
    bot.rest()

    assert ("not_sent", "bot_suspended") == behind.ended


def test_a_suspension_of_one_bot_leaves_what_waits_elsewhere_alone() -> None:
    bot = LoneBot(fleet_rps=1)
    other = LoneBot(bot_id=BOT_ID + 1, sharing=bot)
    bot.say("the first")
    ended: list[Asked] = [bot.say("suspended"), other.say("goes on")]
    changed(bot, SUSPEND)
    bot.advance(1)

    assert [("not_sent", "bot_suspended"), ("delivered", "")] == [one.ended for one in ended]
