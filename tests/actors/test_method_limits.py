"""Limits of single methods over the whole fleet: exactly kept, and nobody waits for ever."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from actors.guards import Policy
from actors.inbox import LoopFuture
from actors.mail import CancelTicket
from domain.refusal import Refused
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from tests.doubles import UNLIMITED, LoneBot, flood
from tests.examples import BOT_ID, after

TOPIC = {"method": "createForumTopic"}


def topics(bot: LoneBot) -> list[float]:
    """When each was called, in seconds after noon."""
    return [round(call.at - 1000, 6) for call in bot.telegram.calls if call.method == "createForumTopic"]


def makes_topic(bot: LoneBot, chat: int = 42, **changes: object):  # noqa: ANN201  what `say` gives
    return bot.say(f"{chat}", chat, **TOPIC, **changes)


def a_fleet(size: int, *, policy: Policy = UNLIMITED, fleet_rps: float = 0, rps: float = 2, tenants: int = 1):  # noqa: ANN201
    first = LoneBot(policy=policy, fleet_rps=fleet_rps, method_rps={"createForumTopic": rps}, tenant_id="t0")
    return [
        first,
        *(
            LoneBot(policy=policy, bot_id=BOT_ID + n, tenant_id=f"t{n % tenants}", sharing=first)
            for n in range(1, size)
        ),
    ]


def test_a_limited_method_leaves_evenly_and_others_are_not_held_up() -> None:
    bot = LoneBot(method_rps={"createForumTopic": 2})
    for chat in range(4):
        makes_topic(bot, chat)
    hello = bot.say("hello", 99)
    bot.advance(3)

    assert [0, 0.5, 1.0, 1.5] == topics(bot)
    assert ("delivered", "") == hello.ended
    assert 0 == hello.outcome.queue_ms


def test_other_bots_go_on_and_a_chat_keeps_its_order() -> None:
    first, other = a_fleet(2)
    makes_topic(first)
    held = makes_topic(first, 7)
    behind = first.say("after the topic", 7)
    said = other.say("hello", 7)

    assert ("delivered", "") == said.ended
    first.advance(1)
    assert [("delivered", "")] * 2 == [held.ended, behind.ended]
    assert "after the topic" == first.telegram.texts[-1]


def test_the_story_says_that_its_method_s_limit_was_waited_for_and_until_when() -> None:
    bot = LoneBot(method_rps={"createForumTopic": 2})
    for chat in range(3):
        makes_topic(bot, chat)
    (wait,) = makes_topic(bot, 4).ticket.waits

    assert ("method_limit", after(0), after(1.5)) == (wait.because, wait.since, wait.until)


def test_what_its_method_s_limit_would_make_too_late_is_refused_at_once() -> None:
    bot = LoneBot(method_rps={"createForumTopic": 0.1})
    for chat in range(3):
        makes_topic(bot, chat)
    late = makes_topic(bot, 4)

    assert ("not_sent", "rate_limited", 30.0) == (*late.ended, late.outcome.retry_after_s)


def test_a_cosmetic_call_does_not_wait_for_its_method_s_limit() -> None:
    bot = LoneBot(method_rps={"sendChatAction": 1})
    sent, shed = (bot.say("typing", chat, method="sendChatAction") for chat in (1, 2))

    assert [("delivered", ""), ("not_sent", "rate_limited")] == [sent.ended, shed.ended]


def test_many_bots_keep_the_rate_exactly_and_each_has_its_turn() -> None:
    bots = a_fleet(60, rps=5)
    asked = [makes_topic(bot, deadline_s=60.0) for bot in bots for _ in range(2)]
    bots[0].advance(60)

    assert [n / 5 for n in range(120)] == topics(bots[0])
    assert {("delivered", "")} == {one.ended for one in asked}


def test_however_many_wait_one_of_them_wakes() -> None:
    bots = a_fleet(100, rps=5)
    for bot in bots:
        makes_topic(bot, deadline_s=60.0)
    woken = Counter[int]()
    for bot in bots:
        tell = bot.tell
        bot.tell = lambda message, bot=bot, tell=tell: (woken.update([bot.bot.bot_id]), tell(message))[1]  # type: ignore[method-assign]
    bots[0].advance(0.2)

    assert 1 == len(woken)


def test_tenants_take_turns_however_many_bots_of_one_wait() -> None:
    bots = a_fleet(20, rps=1)
    lone = LoneBot(bot_id=BOT_ID + 500, tenant_id="globex", sharing=bots[0])
    for bot in bots:
        makes_topic(bot)
    asked = makes_topic(lone)
    bots[0].advance(2)

    assert ("delivered", "") == asked.ended


def test_a_bot_that_is_always_at_its_own_pace_has_its_turn_all_the_same() -> None:
    policy = Policy(PacePolicy(3.1, 0, 0), BreakerPolicy())
    busy, other = a_fleet(2, policy=policy, rps=2, tenants=2)
    for n in range(200):
        busy.say("news", n % 3, deadline_s=100.0)
    asked = [makes_topic(busy, 1000 + n, deadline_s=60.0) for n in range(5)]
    for n in range(40):
        makes_topic(other, n, deadline_s=60.0)
    busy.advance(8)

    assert {("delivered", "")} == {one.ended for one in asked}


def test_where_the_fleet_is_at_its_limit_a_limited_method_is_not_left_behind() -> None:
    bots = a_fleet(10, fleet_rps=10, rps=2, tenants=5)
    for bot in bots:
        for _ in range(20):
            bot.say("news", deadline_s=100.0)
    for bot in bots:
        makes_topic(bot, 77, deadline_s=60.0)
    bots[0].advance(8)

    assert 10 == len(topics(bots[0]))
    calls = [call.at for call in bots[0].telegram.calls]
    assert all(later - earlier >= 0.1 - 1e-9 for earlier, later in pairwise(calls))


def test_a_turn_is_kept_while_its_bot_waits_for_the_fleet_however_long() -> None:
    bots = a_fleet(4, fleet_rps=0.2, rps=2, tenants=4)
    for bot in bots:
        makes_topic(bot, deadline_s=60.0)
    bots[0].advance(20)

    assert [0, 5, 10, 15] == topics(bots[0])
    assert [bot.bot.bot_id for bot in bots] == [call.token.bot_id for call in bots[0].telegram.calls]


def test_a_turn_of_a_bot_that_fails_goes_to_the_next_and_comes_back_to_it() -> None:
    first, failing, other = a_fleet(3)
    makes_topic(first)
    lost, later = makes_topic(failing), makes_topic(other)
    failing.dies()
    other.advance(0.5)

    assert ("delivered", "") == later.ended
    failing.starts()
    failing.advance(1)
    assert ("delivered", "") == lost.ended


def test_a_turn_that_dies_with_its_bot_is_passed_on_within_two_seconds() -> None:
    first, failing, other = a_fleet(3)
    makes_topic(first)
    makes_topic(failing)
    later = makes_topic(other)
    failing.timers.advance(0.5)  # its turn is in its mailbox
    failing.slot.actor = None
    first.advance(2)

    assert ("delivered", "") == later.ended


def test_a_turn_that_finds_its_command_ended_is_passed_on_at_once() -> None:
    first, failing, other = a_fleet(3)
    for bot in (first, failing):
        makes_topic(bot)
    later = makes_topic(other)
    failing.timers.advance(0.5)  # its turn is in its mailbox
    failing.dies()
    failing.slot.refuse_waiting(Refused("store_unavailable", ""), failing.journal.release)
    failing.starts()
    first.advance(0.1)

    assert ("delivered", "") == later.ended


def test_a_cancelled_command_leaves_the_line_to_the_others() -> None:
    bot = LoneBot(method_rps={"createForumTopic": 1})
    makes_topic(bot, 1)
    gone = makes_topic(bot, 2)
    makes_topic(bot, 3)
    bot.actor.on_receive(CancelTicket(gone.ticket, LoopFuture()))
    bot.advance(5)

    assert ("not_sent", "cancelled") == gone.ended
    assert [0, 1] == topics(bot)


def test_a_command_whose_deadline_passes_leaves_the_line_to_the_others() -> None:
    first, other = a_fleet(2, rps=1, tenants=2)
    makes_topic(first, 1)
    makes_topic(first, 2)
    gone = makes_topic(other, 3, deadline_s=1.5)
    makes_topic(first, 4)
    first.advance(5)

    assert ("not_sent", "deadline_exceeded") == gone.ended
    assert [0, 1, 2] == topics(first)


def test_a_turn_into_a_hold_is_passed_on_at_once() -> None:
    first, held, other = a_fleet(3, rps=1)
    makes_topic(first)
    waits, goes = makes_topic(held), makes_topic(other)
    held.telegram.will(flood(20), flood(20))
    held.say("too", 5)
    held.say("much", 6)
    first.advance(1)

    assert ("delivered", "") == goes.ended
    assert [] == waits.told
    first.advance(20)
    assert ("delivered", "") == waits.ended
