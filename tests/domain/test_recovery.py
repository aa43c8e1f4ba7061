"""What the last process left unfinished, told from the log alone."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import CommandStarted, Ended, Event, HoldPlaced
from domain.recovery import OpenThings
from tests.examples import (
    NOON,
    OTHER_BOT_ID,
    a_delivered,
    a_hold,
    a_not_sent,
    a_rejected,
    a_started,
    after,
    an_uncertain,
)


def having_seen(*events: Event, first: int = 1) -> OpenThings:
    things = OpenThings()
    for position, event in enumerate(events, first):
        things.see(position, event)
    return things


def test_of_an_empty_log_nothing_is_open() -> None:
    things = OpenThings()

    assert 1 == things.low_water(1, NOON)
    assert [] == things.commands()
    assert [] == things.holds(NOON)


def test_a_started_command_is_open_until_its_outcome() -> None:
    started = a_started("one")

    assert 7 == having_seen(started, first=7).low_water(8, NOON)
    assert [started] == [opened.first for opened in having_seen(started).commands()]


@pytest.mark.parametrize("ended", [a_delivered, a_rejected, a_not_sent, an_uncertain])
def test_each_of_the_four_outcomes_closes_it(ended: type[Ended]) -> None:
    things = having_seen(a_started("one"), ended("one"))

    assert [] == things.commands()
    assert 3 == things.low_water(3, NOON)


def test_another_command_s_outcome_does_not_close_it() -> None:
    things = having_seen(a_started("one"), a_started("two"), a_delivered("two"))

    assert ["one"] == [opened.first.command_id for opened in things.commands()]
    assert 1 == things.low_water(4, NOON)


def test_the_low_water_mark_is_the_oldest_that_is_still_open() -> None:
    things = having_seen(a_started("one"), a_started("two"), a_delivered("one"), a_started("three"))

    assert 2 == things.low_water(5, NOON)


def test_an_outcome_without_a_start_changes_nothing() -> None:
    assert 2 == having_seen(a_delivered("repeatable")).low_water(2, NOON)


def test_reading_a_start_again_does_not_move_it() -> None:
    assert 1 == having_seen(a_started("one"), a_delivered("two"), a_started("one")).low_water(4, NOON)


def test_a_hold_is_open_until_it_is_over() -> None:
    hold = a_hold(retry_after_s=5)
    things = having_seen(hold)

    assert 1 == things.low_water(2, after(4.9))
    assert [hold] == things.holds(after(4.9))
    assert [] == things.holds(after(5))
    assert 2 == things.low_water(2, after(5))


def test_a_longer_hold_takes_the_place_of_a_shorter_one() -> None:
    longer = a_hold(retry_after_s=9)
    things = having_seen(a_hold(retry_after_s=5), longer)

    assert [longer] == things.holds(NOON)
    assert 2 == things.low_water(3, NOON)


def test_a_shorter_answer_never_shortens_a_longer_hold_after_a_restart_either() -> None:
    longer = a_hold(retry_after_s=30)
    things = having_seen(longer, a_hold(retry_after_s=1))

    assert [longer] == things.holds(after(5))
    assert 1 == things.low_water(3, after(5))


def test_holds_of_other_scopes_and_bots_are_their_own() -> None:
    holds = [a_hold("chat:1"), a_hold("chat:2"), a_hold("bot"), a_hold("chat:1", bot_id=OTHER_BOT_ID)]

    assert holds == having_seen(*holds).holds(NOON)


def test_a_hold_that_is_over_behind_one_that_is_not_is_no_longer_told() -> None:
    long, short = a_hold("chat:1", 60), a_hold("chat:2", 1)
    things = having_seen(long, short)

    assert 1 == things.low_water(3, after(10))
    assert [long] == things.holds(after(10))
    assert 3 == things.low_water(3, after(60))


# Any interleaving whatever, against a model that keeps the whole log and looks through all of it


def open_in(log: list[tuple[int, Event]], now: datetime) -> tuple[list[CommandStarted], list[HoldPlaced], list[int]]:
    ended = {e.command_id for _, e in log if isinstance(e, Ended)}
    started = [(p, e) for p, e in log if isinstance(e, CommandStarted) and e.command_id not in ended]
    held = []
    for position, hold in ((p, e) for p, e in log if isinstance(e, HoldPlaced) and e.until > now):
        same = [
            (p, e) for p, e in log if isinstance(e, HoldPlaced) and (e.bot_id, e.scope) == (hold.bot_id, hold.scope)
        ]
        if (position, hold) == max(same, key=lambda found: (found[1].until, found[0])):
            held.append((position, hold))
    return [e for _, e in started], [e for _, e in held], [p for p, _ in (*started, *held)]


STEPS = st.lists(
    st.one_of(
        st.just(("start", 0.0)),
        st.tuples(st.just("end"), st.integers(0, 20).map(float)),
        st.tuples(st.sampled_from(["chat:1", "chat:2", "bot"]), st.sampled_from([0.0, 1.0, 5.0, 30.0, 300.0])),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 3.0, 40.0])),
        st.just(("other", 0.0)),
    ),
    max_size=50,
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_in_any_order_of_events_the_mark_is_the_oldest_open_thing(steps: list[tuple[str, float]]) -> None:
    things, log, passed_s, commands = OpenThings(), [], 0.0, 0
    for action, number in steps:
        now = after(passed_s)
        match action:
            case "wait":
                passed_s += number
                continue
            case "start":
                commands += 1
                event: Event = a_started(f"c{commands}")
            case "end":
                event = a_delivered(f"c{int(number)}" if number <= commands else "unknown")
            case "other":
                event = a_rejected("never started")
            case scope:
                event = a_hold(scope, until=after(passed_s + number))
        log.append((len(log) + 1, event))
        things.see(*log[-1])
        started, held, positions = open_in(log, now)

        assert min(positions, default=len(log) + 1) == things.low_water(len(log) + 1, now)
        assert started == [opened.first for opened in things.commands()]
        assert held == things.holds(now)


@given(STEPS, st.integers(0, 50))
@settings(max_examples=100, deadline=None)
def test_whoever_reads_from_the_mark_on_knows_what_the_last_process_knew(
    steps: list[tuple[str, float]], crashed_after: int
) -> None:
    things, log, passed_s = OpenThings(), [], 0.0
    for number, (action, seconds) in enumerate(steps[:crashed_after]):
        passed_s += seconds if action == "wait" else 0.0
        if action == "start":
            event: Event = a_started(f"c{number}")
        elif action == "end":
            event = a_delivered(f"c{int(seconds)}")
        else:
            event = a_hold(action, until=after(passed_s + seconds))
        log.append((len(log) + 1, event))
        things.see(*log[-1])
    now = after(passed_s)
    mark = things.low_water(len(log) + 1, now)
    successor = OpenThings()
    for position, event in log[mark - 1 :]:
        successor.see(position, event)

    assert things.commands() == successor.commands()
    assert things.holds(now) == successor.holds(now)
