"""Whatever Telegram answers and whenever, and whenever the journal is away: what must always be true of a command."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.guards import Policy
from actors.slot import Stage
from domain import events as e
from domain.failure import Answer, Category
from domain.refusal import Refused
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from tests.doubles import (
    BLOCKED,
    BROKEN,
    DELIVERED,
    LOST,
    REFUSED_CONNECTION,
    RESTARTING,
    TEAPOT,
    Asked,
    Call,
    LoneBot,
    flood,
    moved_to,
)
from tests.examples import NOON

ANSWERS: list[Answer | None] = [
    None,
    DELIVERED,
    DELIVERED,
    DELIVERED,
    LOST,
    BROKEN,
    RESTARTING,
    REFUSED_CONNECTION,
    BLOCKED,
    TEAPOT,
    flood(1),
    flood(7),
    flood(45),
    moved_to(-100),
]
POLICIES = [
    Policy(PacePolicy(0, 0, 0), BreakerPolicy(failures=3, cooldown_s=5)),
    Policy(PacePolicy(5, 1, 20), BreakerPolicy(), max_in_flight=2),
]

moments = st.floats(0, 8).map(lambda seconds: round(seconds, 1))
steps = st.one_of(
    st.tuples(st.just("send"), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("edit"), st.integers(1, 3), st.just(False)),
    st.tuples(st.just("wait"), moments, st.just(False)),
    st.tuples(st.just("answer"), st.integers(0, 3), st.just(False)),
    st.tuples(st.just("journal"), st.booleans(), st.just(False)),
    st.tuples(st.just("crash"), st.just(0), st.just(False)),
)


class Story:
    """Some commands of one bot, and all that happened to them."""

    def __init__(self, policy: Policy, fleet_rps: float, answers: list[Answer | None]) -> None:
        self.bot = LoneBot(policy=policy, fleet_rps=fleet_rps, max_backlog=6)
        self.bot.telegram.will(*answers)
        self.asked: list[Asked] = []
        self._answers = iter([answer for answer in answers if answer is not None])

    def goes(self, what: str, number: float, flag: bool) -> None:
        bot = self.bot
        match what:
            case "send":
                parameters = {"chat_id": int(number), "text": f"{len(self.asked)}"}
                self.asked.append(bot.ask(parameters=parameters, chat=f"{number}", retry_uncertain=flag))
            case "edit":
                parameters = {"chat_id": int(number), "message_id": 1, "text": f"{len(self.asked)}"}
                self.asked.append(bot.ask(method="editMessageText", parameters=parameters, chat=f"{number}"))
            case "wait":
                bot.advance(number)
            case "answer" if len(bot.telegram.out) > number:
                bot.telegram.out[int(number)].gets(next(self._answers, DELIVERED))
            case "journal":
                bot.journal.is_away = bool(number)
            case "crash":
                if bot.is_alive():
                    bot.dies_and_restarts()
        bot.rest()

    def ends(self) -> None:
        self.bot.journal.is_away = False
        self.bot.advance(200)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(POLICIES),
    st.sampled_from([0.0, 3.0]),
    st.lists(st.sampled_from(ANSWERS), max_size=12),
    st.lists(steps, min_size=3, max_size=25),
)
def test_whatever_happens_every_command_ends_once_and_nothing_is_sent_twice_by_us(
    policy: Policy, fleet_rps: float, answers: list[Answer | None], story: list[tuple[str, float, bool]]
) -> None:
    told = Story(policy, fleet_rps, answers)
    for step in story:
        told.goes(*step)
    told.ends()

    every_command_ends_once(told)
    started_is_recorded_before_a_message_leaves(told)
    what_may_have_arrived_is_not_sent_again(told)
    a_chat_keeps_its_order(told)
    nothing_leaves_into_a_hold(told)
    nothing_is_left_behind(told)


def every_command_ends_once(told: Story) -> None:
    log = told.bot.journal
    ended = Counter(event.command_id for event in log.events if isinstance(event, e.Ended))
    assert [1] * len(told.asked) == [len(one.told) for one in told.asked]
    left_out = [one for one in told.asked if isinstance(one.told[0], Refused)]
    assert {one.ticket.command.command_id: 1 for one in told.asked if one not in left_out} == ended
    # Of what is left out the log knows nothing, and Telegram neither.
    assert len(left_out) == log.left_out
    assert not {one.ticket.command.command_id for one in left_out} & {getattr(x, "command_id", "") for x in log.events}
    assert not any(calls_of(told, one) for one in left_out)
    started = Counter(event.command_id for event in log.events if isinstance(event, e.CommandStarted))
    assert set(started.values()) <= {1}


def started_is_recorded_before_a_message_leaves(told: Story) -> None:
    started = {event.command_id for event in told.bot.journal.events if isinstance(event, e.CommandStarted)}
    sent = {one.ticket.command.command_id for one in told.asked if calls_of(told, one)}
    once = {one.ticket.command.command_id for one in told.asked if not one.ticket.method.repeatable}
    assert sent & once <= started


def what_may_have_arrived_is_not_sent_again(told: Story) -> None:
    for one in told.asked:
        failed = [
            event
            for event in told.bot.journal.events
            if isinstance(event, e.AttemptFailed) and event.command_id == one.ticket.command.command_id
        ]
        if not one.ticket.repeatable:
            uncertain = [event for event in failed if event.category in (Category.AMBIGUOUS, Category.UNKNOWN)]
            assert all(event is failed[-1] and event.again_at is None for event in uncertain)
        if one.ended[0] == "not_sent":
            assert not any(event.category is Category.AMBIGUOUS for event in failed)


def a_chat_keeps_its_order(told: Story) -> None:
    first_sent: dict[str | None, list[int]] = defaultdict(list)
    for call in told.bot.telegram.calls:
        number = int(str(call.text))
        chat = told.asked[number].ticket.command.chat
        if number not in first_sent[chat]:
            first_sent[chat].append(number)
    assert all(numbers == sorted(numbers) for numbers in first_sent.values())


def nothing_is_left_behind(told: Story) -> None:
    assert 0 == told.bot.slot.open_commands
    assert 0 == told.bot.journal.taken
    assert {Stage.DONE} >= {one.ticket.stage for one in told.asked}


def calls_of(told: Story, one: Asked) -> list[Call]:
    return [call for call in told.bot.telegram.calls if call.text == one.ticket.command.parameters["text"]]


def nothing_leaves_into_a_hold(told: Story) -> None:
    for hold in told.bot.journal.of(e.HoldPlaced):
        assert isinstance(hold, e.HoldPlaced)
        placed, over = steady(hold.occurred_at), steady(hold.until)
        assert not [
            call
            for call in told.bot.telegram.calls
            if placed + 0.001 < call.at < over - 0.001 and hold.scope in ("bot", f"chat:{call.chat}")
        ]


def steady(utc: datetime) -> float:
    return 1000.0 + (utc - NOON).total_seconds()
