"""What becomes of a command: the order of the gates, write-ahead, one outcome, and what each failure leads to."""

from __future__ import annotations

from itertools import pairwise

import pytest

from actors.guards import Policy
from actors.mail import Lifecycle
from actors.messages import SuspendBot
from actors.runtime import LoopFuture
from actors.slot import Memory
from domain import events as e
from domain.failure import Delivered, Failure
from domain.rules.breaker import Breaker, BreakerPolicy, Phase
from domain.rules.holds import Holds
from domain.rules.pacing import PacePolicy
from tests.doubles import (
    BLOCKED,
    BROKEN,
    DELIVERED,
    LOST,
    NOT_MODIFIED,
    REFUSED_CONNECTION,
    RESTARTING,
    REVOKED,
    TEAPOT,
    Asked,
    LoneBot,
    flood,
    moved_to,
)
from tests.examples import OTHER_BOT_ID, OTHER_TENANT, TENANT, after

NO_PACE = PacePolicy(0, 0, 0)
EDIT = {"method": "editMessageText", "parameters": {"chat_id": 42, "message_id": 1, "text": "new"}}


def suspend(bot: LoneBot) -> LoopFuture:
    reply = LoopFuture()
    bot.tell(Lifecycle(SuspendBot(bot.bot.bot_id, TENANT, "a test", "tenant"), reply))
    bot.rest()
    return reply


def asked(bot: LoneBot, **changes: object) -> Asked:
    one = bot.ask(**changes)
    bot.rest()
    return one


def topics(bot: LoneBot, of: Asked) -> list[str]:
    wanted = of.ticket.command.command_id
    return [event.TOPIC for event in bot.journal.events if getattr(event, "command_id", None) == wanted]


def left_after(bot: LoneBot) -> list[float]:
    """When each call left, in seconds from the first."""
    first = bot.telegram.calls[0].at
    return [pytest.approx(call.at - first) for call in bot.telegram.calls]


# The order of the gates


CLOSED_BREAKER = Breaker(phase=Phase.OPEN, epoch=1, open_until=1060.0)
CHAT_HELD = Holds({"chat:42": 1010.0})


def test_a_suspended_bot_says_so_whatever_else_is_closed() -> None:
    bot = LoneBot()
    suspend(bot)
    bot.slot.memory = Memory(breaker=CLOSED_BREAKER, holds=CHAT_HELD)

    assert ("not_sent", "bot_suspended") == bot.say("hello").ended


def test_an_open_breaker_is_named_before_a_hold() -> None:
    bot = LoneBot()
    bot.slot.memory = Memory(breaker=CLOSED_BREAKER, holds=CHAT_HELD)

    assert ("not_sent", "breaker_open") == bot.say("hello").ended


def test_a_hold_is_named_before_the_pace() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(1, 0, 0), BreakerPolicy()))
    bot.say("first", 7)
    bot.slot.memory = Memory(holds=CHAT_HELD)

    assert ["hold"] == [wait.because for wait in bot.say("hello").ticket.waits]


def test_the_pace_is_named_before_the_calls_in_flight() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(1, 0, 0), BreakerPolicy(), max_in_flight=1))
    bot.telegram.waits()
    bot.say("first", 7)

    assert ["pace"] == [wait.because for wait in bot.say("hello").ticket.waits]


def test_a_command_that_waits_for_a_call_in_flight_takes_no_place_in_the_journal() -> None:
    bot = LoneBot(policy=Policy(NO_PACE, BreakerPolicy(), max_in_flight=1))
    bot.telegram.waits()
    bot.say("first", 7)
    taken = bot.journal.taken

    assert ["in_flight"] == [wait.because for wait in bot.say("hello").ticket.waits]
    assert taken == bot.journal.taken


def test_a_full_journal_is_named_before_the_fleets_pace() -> None:
    bot = LoneBot(fleet_rps=1, max_backlog=1)
    bot.telegram.waits()
    first = bot.say("first", 7)

    assert ("refused", "store_unavailable") == bot.say("hello").ended
    assert first.told == []


def test_the_fleets_pace_comes_last() -> None:
    bot = LoneBot(fleet_rps=1)
    bot.say("first", 7)

    assert ["fleet"] == [wait.because for wait in bot.say("hello").ticket.waits]


def test_waiting_takes_nothing_and_dispatch_takes_it_once() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(10, 0, 0), BreakerPolicy()), fleet_rps=5)
    for n in range(4):
        bot.say(f"{n}", n)
    bot.advance(1)

    assert [0, 0.2, 0.4, 0.6] == left_after(bot)


# Write ahead, and outcomes


def test_nothing_leaves_before_its_start_is_on_disk() -> None:
    bot = LoneBot()
    bot.journal.is_away = True
    hello = bot.say("hello")

    assert [] == bot.telegram.calls
    bot.journal.is_away = False
    bot.rest()
    assert ["hello"] == bot.telegram.texts
    assert ["command-started", "command-delivered"] == topics(bot, hello)


def test_what_may_be_repeated_needs_no_start() -> None:
    bot = LoneBot()
    bot.journal.is_away = True
    edit = asked(bot, **EDIT)

    assert ["editMessageText"] == [call.method for call in bot.telegram.calls]
    bot.journal.is_away = False
    bot.rest()
    assert ["command-delivered"] == topics(bot, edit)


def test_a_command_that_callers_may_have_twice_is_still_recorded_as_started() -> None:
    bot = LoneBot()
    hello = bot.say("hello", retry_uncertain=True)

    assert ["command-started", "command-delivered"] == topics(bot, hello)


def test_the_caller_hears_of_it_once_it_is_on_disk() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    hello = bot.say("hello")
    bot.journal.is_away = True
    bot.answer(Delivered(b'{"message_id":7}'))

    assert [] == hello.told
    bot.journal.is_away = False
    bot.rest()
    assert ("delivered", "") == hello.ended
    assert b'{"message_id":7}' == hello.outcome.result
    assert bot.journal.log[-1].position == hello.outcome.position


def test_an_answer_that_comes_twice_counts_once() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    hello = bot.say("hello")
    (call,) = bot.telegram.calls
    bot.answer()
    call.then(LOST)
    bot.rest()

    assert ("delivered", "") == hello.ended
    assert ["command-started", "command-delivered"] == topics(bot, hello)


def test_an_outcome_tells_how_long_it_waited_and_how_long_telegram_took() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(0, 1, 0), BreakerPolicy()))
    bot.telegram.waits()
    bot.slot.memory = Memory(holds=Holds({"chat:42": 1003.0}))
    hello = bot.say("hello")
    bot.advance(3.25)
    bot.answer()

    assert 3000.0 == pytest.approx(hello.outcome.queue_ms)
    assert 250.0 == pytest.approx(hello.outcome.telegram_ms)
    (ended,) = bot.journal.of(e.CommandDelivered)
    assert isinstance(ended, e.CommandDelivered)
    assert [("hold", after(0), after(3))] == [(wait.because, wait.since, wait.until) for wait in ended.waits]
    assert (after(0), after(3.25)) == (ended.received_at, ended.occurred_at)


# What each failure leads to

SEND: dict[str, object] = {}

# failure, command → attempts, waits between them (half the back-off: the jitter is 0.5), outcome, code
FAILURES: list[tuple[str, Failure, dict[str, object], list[float], str, str]] = [
    ("no connection", REFUSED_CONNECTION, SEND, [0.5, 1.0], "not_sent", "telegram_unreachable"),
    ("no connection", REFUSED_CONNECTION, EDIT, [0.5, 1.0], "not_sent", "telegram_unreachable"),
    ("a lost answer", LOST, SEND, [], "uncertain", "delivery_uncertain"),
    ("a lost answer", LOST, EDIT, [0.5, 1.0], "uncertain", "delivery_uncertain"),
    ("a fault of Telegram's", BROKEN, SEND, [], "uncertain", "delivery_uncertain"),
    ("a fault of Telegram's", BROKEN, EDIT, [0.5, 1.0], "uncertain", "delivery_uncertain"),
    ("a restart of Telegram's", RESTARTING, SEND, [0.5, 1.0], "not_sent", "telegram_unreachable"),
    ("a refusal", BLOCKED, SEND, [], "rejected", "telegram_rejected"),
    ("a revoked token", REVOKED, SEND, [], "rejected", "token_unauthorized"),
    ("something new", TEAPOT, SEND, [], "uncertain", "delivery_uncertain"),
    ("something new", TEAPOT, EDIT, [0.5, 1.0], "uncertain", "delivery_uncertain"),
    ("a flood", flood(2), SEND, [2, 2, 2], "not_sent", "telegram_hold"),
    ("a flood", flood(2), EDIT, [2, 2, 2], "not_sent", "telegram_hold"),
    ("a second move", moved_to(-100), SEND, [0], "rejected", "telegram_rejected"),
]


@pytest.mark.parametrize(
    ("failure", "command", "waits", "final", "code"),
    [row[1:] for row in FAILURES],
    ids=[f"{name}, {row.get('method', 'sendMessage')}" for name, _, row, *_ in FAILURES],
)
def test_a_failure_that_stays_ends_as_its_row_says(
    failure: Failure, command: dict[str, object], waits: list[float], final: str, code: str
) -> None:
    bot = LoneBot()
    bot.telegram.otherwise = lambda call: failure if call.method != "getMe" else DELIVERED
    one = asked(bot, **command)
    bot.advance(29)

    calls = [call for call in bot.telegram.calls if call.method != "getMe"]
    assert (final, code) == one.ended
    assert waits == [pytest.approx(b.at - a.at) for a, b in pairwise(calls)]
    assert len(calls) == one.outcome.attempts == len(bot.journal.of(e.AttemptFailed))
    assert (failure.category, failure.code, failure.description) == (
        one.outcome.category,
        one.outcome.telegram_code,
        one.outcome.telegram_description,
    )
    assert [*["attempt-failed"] * len(calls), f"command-{final.replace('_', '-')}"] == [
        topic for topic in topics(bot, one) if topic != "command-started"
    ]


@pytest.mark.parametrize("failure", [REFUSED_CONNECTION, RESTARTING, flood(1), moved_to(-100)])
def test_a_message_that_certainly_did_not_arrive_is_sent_again(failure: Failure) -> None:
    bot = LoneBot()
    bot.telegram.will(failure)
    hello = bot.say("hello")
    bot.advance(2)

    assert ("delivered", "") == hello.ended
    assert 2 == hello.outcome.attempts
    assert None is hello.outcome.category
    assert ["command-started", "attempt-failed", "command-delivered"] == topics(bot, hello)


@pytest.mark.parametrize("failure", [LOST, BROKEN, TEAPOT])
def test_a_message_that_may_have_arrived_is_not_sent_again(failure: Failure) -> None:
    bot = LoneBot()
    bot.telegram.will(failure)
    hello = bot.say("hello")
    bot.advance(29)

    assert ["hello"] == bot.telegram.texts
    assert ("uncertain", "delivery_uncertain") == hello.ended


@pytest.mark.parametrize("failure", [LOST, BROKEN, TEAPOT])
def test_unless_its_caller_would_rather_have_it_twice(failure: Failure) -> None:
    bot = LoneBot()
    bot.telegram.will(failure)
    hello = bot.say("hello", retry_uncertain=True)
    bot.advance(29)

    assert ["hello", "hello"] == bot.telegram.texts
    assert ("delivered", "") == hello.ended


def test_once_an_answer_was_lost_nobody_says_that_it_was_not_sent() -> None:
    bot = LoneBot()
    bot.telegram.will(LOST, REFUSED_CONNECTION, REFUSED_CONNECTION, REFUSED_CONNECTION)
    hello = bot.say("hello", retry_uncertain=True)
    bot.advance(29)

    assert ("uncertain", "delivery_uncertain") == hello.ended


def test_an_edit_whose_answer_was_lost_is_delivered_when_telegram_finds_nothing_to_change() -> None:
    bot = LoneBot()
    bot.telegram.will(LOST, NOT_MODIFIED)
    edit = asked(bot, **EDIT)
    bot.advance(2)

    assert ("delivered", "") == edit.ended
    assert b"true" == edit.outcome.result
    assert ["attempt-failed", "command-delivered"] == topics(bot, edit)


@pytest.mark.parametrize("before", [(), (REFUSED_CONNECTION,)])
def test_an_edit_that_changes_nothing_is_rejected(before: tuple[Failure, ...]) -> None:
    bot = LoneBot()
    bot.telegram.will(*before, NOT_MODIFIED)
    edit = asked(bot, **EDIT)
    bot.advance(2)

    assert ("rejected", "telegram_rejected") == edit.ended


def test_a_chat_that_has_moved_gets_the_message_at_its_new_place() -> None:
    bot = LoneBot()
    bot.telegram.will(moved_to(-1001234))
    hello = bot.say("hello", -55)

    assert [-55, -1001234] == [call.chat for call in bot.telegram.calls]
    assert ["hello", "hello"] == bot.telegram.texts
    assert ("delivered", "") == hello.ended
    assert {"chat_id": -55, "text": "hello"} == hello.ticket.command.parameters
    (ended,) = bot.journal.of(e.CommandDelivered)
    assert isinstance(ended, e.CommandDelivered)
    assert "-1001234" == ended.chat


def test_a_failure_of_one_kind_uses_up_no_retries_of_another() -> None:
    bot = LoneBot()
    bot.telegram.will(REFUSED_CONNECTION, flood(1), RESTARTING, flood(1), REFUSED_CONNECTION, flood(1), RESTARTING)
    hello = bot.say("hello")
    bot.advance(29)

    assert ("delivered", "") == hello.ended
    assert 8 == hello.outcome.attempts


def test_no_attempt_may_outlast_the_deadline_or_the_timeout() -> None:
    bot = LoneBot(policy=Policy(NO_PACE, BreakerPolicy(), telegram_timeout_s=20))
    bot.telegram.will(RESTARTING, None)
    bot.say("hello", deadline_s=12)
    bot.advance(1)
    bot.say("patient", 7, deadline_s=60)

    assert [12, 11.5, 20] == [pytest.approx(call.timeout_s) for call in bot.telegram.calls]


@pytest.mark.parametrize("deadline_s", [0.9, 1.2])
def test_a_retry_that_would_come_too_late_for_an_answer_is_not_waited_for(deadline_s: float) -> None:
    bot = LoneBot(jitter=0.99)
    bot.telegram.works(REFUSED_CONNECTION)
    hello = bot.say("hello", deadline_s=deadline_s)

    assert ("not_sent", "telegram_unreachable") == hello.ended
    assert 1 == hello.outcome.attempts


# Rate limits and holds


def test_a_flood_holds_just_its_chat_and_to_the_second() -> None:
    bot = LoneBot()
    bot.telegram.will(flood(5))
    held = bot.say("held")
    other = bot.say("other", 7)

    assert ("delivered", "") == other.ended
    bot.advance(4.999)
    assert [] == held.told
    bot.advance(0.001)
    assert ("delivered", "") == held.ended
    assert ["held", "other", "held"] == bot.telegram.texts


def test_a_flood_of_a_call_without_a_chat_holds_its_method() -> None:
    bot = LoneBot()
    bot.telegram.will(flood(5))
    names = [asked(bot, method="getMyName", parameters={}, chat=None) for _ in range(2)]
    other = asked(bot, method="getMyCommands", parameters={}, chat=None)

    assert ("delivered", "") == other.ended
    assert [[], []] == [name.told for name in names]
    assert ["method:getMyName"] == [hold.scope for hold in bot.journal.of(e.HoldPlaced)]


def test_two_chats_held_within_a_second_hold_the_bot() -> None:
    bot = LoneBot()
    bot.telegram.will(flood(3), flood(7))
    bot.say("one", 1)
    bot.advance(0.9)
    bot.say("two", 2)
    third = bot.say("three", 3)

    assert [] == third.told
    assert ["chat:1", "bot"] == [hold.scope for hold in bot.journal.of(e.HoldPlaced)]
    bot.advance(6.9)
    assert 2 == len(bot.telegram.calls)
    bot.advance(1)
    assert {"one", "two", "three"} == set(bot.telegram.texts[2:])


def test_a_chat_held_after_a_hold_of_the_whole_bot_is_recorded_as_just_that_chat() -> None:
    bot = LoneBot()
    bot.telegram.will(flood(3), flood(3))
    bot.say("one", 1)
    bot.say("two", 2)
    bot.advance(60)
    bot.telegram.will(flood(4))
    bot.say("three", 3)

    assert ["chat:1", "bot", "chat:3"] == [hold.scope for hold in bot.journal.of(e.HoldPlaced)]


def test_a_hold_beyond_the_deadline_is_refused_at_once_with_the_time_to_wait() -> None:
    bot = LoneBot()
    bot.telegram.will(flood(60))
    first = bot.say("first")
    second = bot.say("second")

    assert [("not_sent", "telegram_hold")] * 2 == [first.ended, second.ended]
    assert [60, 60] == [first.outcome.retry_after_s, second.outcome.retry_after_s]
    assert ["first"] == bot.telegram.texts


def test_a_typing_indicator_does_not_wait_for_a_hold() -> None:
    bot = LoneBot()
    bot.slot.memory = Memory(holds=CHAT_HELD)
    typing = asked(bot, method="sendChatAction", parameters={"chat_id": 42, "action": "typing"})

    assert ("not_sent", "telegram_hold") == typing.ended
    assert [] == bot.telegram.calls


def test_a_flood_halves_the_pace_of_the_bot() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(10, 0, 0), BreakerPolicy()))
    bot.telegram.will(flood(1))
    bot.say("held")
    bot.advance(1)
    for n in range(3):
        bot.say(f"{n}", 100 + n)
    bot.advance(1)

    assert [0, 1.0, 1.2, 1.4, 1.6] == left_after(bot)


# Breaker


def fail_commands(bot: LoneBot, how_many: int) -> None:
    bot.telegram.works(LOST)
    for n in range(how_many):
        bot.say(f"failing {n}", n)


def test_five_failed_commands_open_the_breaker_which_then_answers_at_once() -> None:
    bot = LoneBot()
    fail_commands(bot, 5)
    sixth = bot.say("sixth")

    assert ("not_sent", "breaker_open") == sixth.ended
    assert 60 == sixth.outcome.retry_after_s
    assert 5 == len(bot.telegram.calls)
    (opened,) = bot.journal.of(e.BreakerOpened)
    assert isinstance(opened, e.BreakerOpened)
    assert after(60) == opened.until
    assert LOST.description == opened.cause


def test_a_command_counts_once_however_many_attempts_it_had() -> None:
    bot = LoneBot()
    bot.telegram.works(REFUSED_CONNECTION)
    for n in range(4):
        bot.say(f"{n}", n)
    bot.advance(10)

    assert 12 == len(bot.telegram.calls)
    assert [] == bot.journal.of(e.BreakerOpened)


def test_a_success_in_between_starts_the_count_again() -> None:
    bot = LoneBot()
    fail_commands(bot, 4)
    bot.telegram.works()
    bot.say("works", 100)
    fail_commands(bot, 4)

    assert [] == bot.journal.of(e.BreakerOpened)


def test_users_who_blocked_the_bot_do_not_stop_it() -> None:
    bot = LoneBot()
    bot.telegram.works(BLOCKED)
    for n in range(20):
        assert ("rejected", "telegram_rejected") == bot.say("hello", n).ended

    assert [] == bot.journal.of(e.BreakerOpened)


def test_of_fifty_waiting_commands_one_probes() -> None:
    bot = LoneBot()
    fail_commands(bot, 5)
    bot.advance(60)
    bot.telegram.waits()
    waiting = [bot.say(f"{n}", 100 + n) for n in range(50)]

    assert 1 == len(bot.telegram.out)
    assert 1 == len(bot.journal.of(e.BreakerHalfOpened))
    bot.answer()
    assert 1 == len(bot.telegram.out)
    bot.answer()
    assert 1 == len(bot.journal.of(e.BreakerClosed))
    assert 30 == len(bot.telegram.out)
    while bot.telegram.out:
        bot.answer()
    assert {("delivered", "")} == {one.ended for one in waiting}


def test_a_failed_probe_answers_all_who_wait_at_once() -> None:
    bot = LoneBot()
    fail_commands(bot, 5)
    bot.advance(60)
    bot.telegram.waits()
    probe, *others = [bot.say(f"{n}", 100 + n) for n in range(50)]
    bot.answer(LOST)

    assert ("uncertain", "delivery_uncertain") == probe.ended
    assert {("not_sent", "breaker_open")} == {one.ended for one in others}
    assert [] == bot.telegram.out


def test_a_lost_probe_does_not_silence_the_bot_for_ever() -> None:
    bot = LoneBot()
    fail_commands(bot, 5)
    bot.advance(60)
    bot.telegram.waits()
    bot.say("probe", 100)
    bot.say("next", 101)
    bot.advance(14.9)
    assert ["probe"] == [call.text for call in bot.telegram.out]
    bot.advance(0.1)

    assert ["probe", "next"] == [call.text for call in bot.telegram.out]


def test_a_probe_that_is_asked_to_wait_makes_room_for_another() -> None:
    bot = LoneBot()
    fail_commands(bot, 5)
    bot.advance(60)
    bot.telegram.waits()
    bot.say("probe", 100)
    bot.say("next", 101)
    bot.answer(flood(10))

    assert ["next"] == [call.text for call in bot.telegram.out]


def test_a_breaker_that_opens_while_a_start_is_recorded_keeps_the_message_here() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    for n in range(5):
        bot.say("failing", n)
    bot.journal.is_away = True
    starting = bot.say("starting", 100)
    for call in list(bot.telegram.out):
        call.gets(LOST)
    bot.rest()
    bot.journal.is_away = False
    bot.rest()

    assert ("not_sent", "breaker_open") == starting.ended
    assert 5 == len(bot.telegram.calls)


@pytest.mark.parametrize("probe_timeout_s", [0.1, 15.0])
def test_a_probe_whose_start_was_recorded_too_late_does_not_go_beside_the_next_one(probe_timeout_s: float) -> None:
    bot = LoneBot(policy=Policy(NO_PACE, BreakerPolicy(probe_timeout_s=probe_timeout_s)))
    fail_commands(bot, 5)
    bot.advance(60)
    bot.telegram.waits()
    bot.journal.is_away = True
    late = bot.say("late", 100, deadline_s=120)
    bot.advance(probe_timeout_s)
    # What may be repeated leaves without waiting for the disk: the second probe.
    probe = asked(bot, method="getMe", parameters={}, chat=None)
    assert ["getMe"] == [call.method for call in bot.telegram.out]
    bot.journal.is_away = False
    bot.rest()

    assert ["getMe"] == [call.method for call in bot.telegram.out]
    bot.answer()
    assert ("delivered", "") == probe.ended
    assert ["late"] == [call.text for call in bot.telegram.out]
    bot.answer()
    assert ("delivered", "") == late.ended


def test_a_late_answer_of_a_call_made_before_it_opened_changes_nothing() -> None:
    bot = LoneBot()
    bot.telegram.will(None)
    late = bot.say("late", 100)
    fail_commands(bot, 5)
    bot.answer()

    assert ("delivered", "") == late.ended
    assert ("not_sent", "breaker_open") == bot.say("hello").ended


# Deadlines


def test_a_command_that_waited_too_long_was_not_sent() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    bot.say("first", deadline_s=60)
    second = bot.say("second")
    bot.advance(29.9)
    assert [] == second.told
    bot.advance(0.1)

    assert ("not_sent", "deadline_exceeded") == second.ended
    assert ["command-not-sent"] == topics(bot, second)
    bot.answer()
    assert ["first"] == bot.telegram.texts


@pytest.mark.parametrize(
    ("free_after_s", "ended"), [(29.4, ("delivered", "")), (29.6, ("not_sent", "deadline_exceeded"))]
)
def test_a_message_whose_answer_could_hardly_come_in_time_is_not_sent(
    free_after_s: float, ended: tuple[str, str]
) -> None:
    bot = LoneBot()
    bot.telegram.waits()
    bot.say("first", deadline_s=60)
    second = bot.say("second")
    bot.advance(free_after_s)
    bot.telegram.works()
    bot.answer()
    bot.rest()

    assert ended == second.ended
    assert ["first", "second"][: 1 + (ended[0] == "delivered")] == bot.telegram.texts


def test_an_edit_leaves_until_its_deadline_since_it_may_be_repeated() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    bot.say("first", deadline_s=60)
    edit = bot.ask(**EDIT)
    bot.advance(29.9)
    bot.telegram.works()
    bot.answer()
    bot.rest()

    assert ("delivered", "") == edit.ended


@pytest.mark.parametrize(("deadline_s", "ended"), [(0.3, ("not_sent", "deadline_exceeded")), (0.4, ("delivered", ""))])
def test_a_start_that_is_recorded_too_late_for_an_answer_sends_nothing(
    deadline_s: float, ended: tuple[str, str]
) -> None:
    bot = LoneBot()
    bot.journal.is_away = True
    hello = bot.say("hello", deadline_s=deadline_s)
    bot.advance(0.24)
    bot.journal.is_away = False
    bot.rest()

    assert ended == hello.ended


def test_a_start_that_is_not_recorded_by_the_deadline_sends_nothing() -> None:
    bot = LoneBot()
    bot.journal.is_away = True
    hello = bot.say("hello")
    bot.advance(30)

    assert ("not_sent", "store_unavailable") == hello.ended
    bot.journal.is_away = False
    bot.rest()
    assert [] == bot.telegram.calls
    assert ["command-started", "command-not-sent"] == topics(bot, hello)
    assert 1 == len(hello.told)
    assert ("delivered", "") == bot.say("next").ended


def test_a_delivery_that_cannot_be_recorded_by_the_deadline_is_told_with_telegrams_answer() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    hello = bot.say("hello")
    bot.journal.is_away = True
    bot.answer(Delivered(b'{"message_id":7}'))
    bot.advance(30)

    assert ("delivered", "delivery_unrecorded") == hello.ended
    assert b'{"message_id":7}' == hello.outcome.result
    bot.journal.is_away = False
    bot.rest()
    assert 1 == len(hello.told)
    assert ["command-started", "command-delivered"] == topics(bot, hello)


def test_a_call_that_never_comes_back_ends_as_uncertain_a_little_after_its_deadline() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    hello = bot.say("hello")
    bot.advance(34.9)
    assert [] == hello.told
    bot.advance(0.1)

    assert ("uncertain", "delivery_uncertain") == hello.ended
    bot.answer()
    assert 1 == len(hello.told)
    assert ["command-started", "command-uncertain"] == topics(bot, hello)


def test_a_chat_goes_on_after_a_call_that_never_came_back() -> None:
    bot = LoneBot()
    bot.telegram.will(None)
    bot.say("lost", deadline_s=10)
    nxt = bot.say("next", deadline_s=60)
    bot.advance(15)

    assert ("delivered", "") == nxt.ended


def test_a_refusal_that_cannot_be_recorded_by_the_deadline_is_told_all_the_same() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    bot.say("out")
    bot.slot.memory = Memory(holds=Holds({"chat:42": 1060.0}))
    bot.journal.is_away = True
    behind = bot.say("behind")
    bot.advance(30)

    assert ("not_sent", "delivery_unrecorded") == behind.ended
    bot.journal.is_away = False
    bot.rest()
    assert 1 == len(behind.told)
    assert ["command-not-sent"] == topics(bot, behind)


# The journal


def test_while_the_journal_is_full_nothing_new_leaves_and_what_is_out_goes_on() -> None:
    bot = LoneBot(max_backlog=2)
    bot.telegram.waits()
    out = [bot.say("one", 1), bot.say("two", 2)]
    refused = bot.say("three", 3)

    assert ("refused", "store_unavailable") == refused.ended
    bot.answer()
    bot.answer()
    assert [("delivered", "")] * 2 == [one.ended for one in out]
    bot.telegram.works()
    assert ("delivered", "") == bot.say("four", 3).ended


def test_what_is_refused_while_the_journal_is_full_is_told_and_counted_and_what_has_begun_is_recorded() -> None:
    bot = LoneBot(max_backlog=8)
    bot.telegram.waits()
    out, starting_again = bot.say("out", 1), bot.say("again", 2)
    bot.journal.is_away = True
    bot.answer(REFUSED_CONNECTION)
    suspend(bot)
    taken = bot.journal.taken
    refused = [bot.say("refused", 3) for _ in range(100)]

    left_out = [one for one in refused if one.told]
    assert 8 // 2 - taken == 100 - len(left_out)
    assert {("refused", "bot_suspended")} == {one.ended for one in left_out}
    assert len(left_out) == bot.journal.left_out
    bot.answer()
    bot.journal.is_away = False
    bot.advance(2)
    assert [("not_sent", "bot_suspended"), ("delivered", "")] == [out.ended, starting_again.ended]
    assert 2 == len(bot.journal.of(e.CommandStarted))
    assert ("not_sent", "bot_suspended") == bot.say("recorded again").ended
    assert 2 + (100 - len(left_out)) + 1 == len(bot.journal.of(e.Ended))
    assert 0 == bot.journal.taken


def test_when_all_is_done_every_place_in_the_journal_is_free_again() -> None:
    bot = LoneBot()
    for n, answer in enumerate((DELIVERED, LOST, REFUSED_CONNECTION, flood(1), flood(90), BLOCKED)):
        bot.telegram.will(answer)
        bot.say("hello", n)
    bot.telegram.waits()
    bot.say("never", 20)
    bot.say("behind it", 20)
    suspend(bot)
    bot.advance(60)

    assert 0 == bot.slot.open_commands
    assert 0 == bot.journal.taken


def test_a_bot_suspended_while_a_start_is_recorded_sends_nothing() -> None:
    bot = LoneBot()
    bot.journal.is_away = True
    hello = bot.say("hello")
    suspend(bot)
    bot.journal.is_away = False
    bot.rest()

    assert ("not_sent", "bot_suspended") == hello.ended
    assert [] == bot.telegram.calls


def test_a_chat_held_while_a_start_is_recorded_is_not_written_to_before_the_hold_is_over() -> None:
    bot = LoneBot()
    bot.journal.is_away = True
    hello = bot.say("hello")
    bot.slot.memory = Memory(holds=CHAT_HELD)
    bot.journal.is_away = False
    bot.rest()

    assert [] == bot.telegram.calls
    bot.advance(10)
    assert ("delivered", "") == hello.ended
    assert ["command-started", "command-delivered"] == topics(bot, hello)


# Order and limits


def test_the_messages_of_a_chat_arrive_in_their_order() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    for n in range(4):
        bot.say(f"{n}")

    for n in range(4):
        assert [f"{n}"] == [call.text for call in bot.telegram.out]
        bot.answer()


def test_a_message_that_is_sent_again_keeps_its_place() -> None:
    bot = LoneBot()
    bot.telegram.will(REFUSED_CONNECTION, flood(2))
    for n in range(3):
        bot.say(f"{n}")
    bot.advance(5)

    assert ["0", "0", "0", "1", "2"] == bot.telegram.texts


def test_no_more_calls_are_out_than_the_bot_may_have() -> None:
    bot = LoneBot(policy=Policy(NO_PACE, BreakerPolicy(), max_in_flight=3))
    bot.telegram.waits()
    for n in range(10):
        bot.say(f"{n}", n)

    assert 3 == len(bot.telegram.out)
    for left in range(7, 0, -1):
        bot.answer()
        assert min(3, left + 2) == len(bot.telegram.out)


def test_a_chat_gets_three_at_once_and_then_one_a_second() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(0, 1, 0), BreakerPolicy()))
    for n in range(5):
        bot.say(f"{n}")
    bot.advance(3)

    assert [0, 0, 0, 1, 2] == left_after(bot)


def test_a_bot_keeps_its_pace_over_all_its_chats() -> None:
    bot = LoneBot(policy=Policy(PacePolicy(4, 0, 0), BreakerPolicy()))
    for n in range(4):
        bot.say(f"{n}", n)
    bot.advance(1)

    assert [0, 0.25, 0.5, 0.75] == left_after(bot)


def test_a_tenant_with_much_to_send_does_not_keep_another_waiting() -> None:
    busy = LoneBot(fleet_rps=10)
    quiet = LoneBot(bot_id=OTHER_BOT_ID, tenant_id=OTHER_TENANT, sharing=busy)
    for n in range(20):
        busy.say(f"busy {n}", n)
    one = quiet.say("quiet")
    busy.advance(0.3)

    assert ("delivered", "") == one.ended
    busy.advance(5)
    assert [pytest.approx(0.1 * n) for n in range(21)] == [
        pytest.approx(call.at - busy.telegram.calls[0].at) for call in busy.telegram.calls
    ]


def test_a_permit_that_is_not_used_goes_to_the_next() -> None:
    one = LoneBot(fleet_rps=1)
    other = LoneBot(bot_id=OTHER_BOT_ID, tenant_id=OTHER_TENANT, sharing=one)
    one.say("first", 1)
    one.say("given up", 2, deadline_s=0.5)
    other.say("next")
    one.advance(1)

    assert ["first", "next"] == one.telegram.texts
    assert [0, 1] == left_after(one)


def test_a_call_that_fails_while_the_gateway_stops_is_not_repeated() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    out = bot.say("out")
    bot.stops()
    bot.answer(REFUSED_CONNECTION)

    assert ("not_sent", "shutting_down") == out.ended
    bot.advance(5)
    assert ["out"] == bot.telegram.texts


def test_when_the_gateway_stops_what_waits_is_not_sent_and_what_is_out_comes_home() -> None:
    bot = LoneBot()
    bot.telegram.waits()
    out, behind = bot.say("out"), bot.say("behind")
    retried = bot.say("retried", 7)
    bot.telegram.out[1].gets(REFUSED_CONNECTION)
    bot.rest()
    bot.stops()

    assert [("not_sent", "shutting_down")] * 2 == [behind.ended, retried.ended]
    bot.answer()
    assert ("delivered", "") == out.ended
