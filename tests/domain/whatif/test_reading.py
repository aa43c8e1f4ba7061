"""How a time range is found in the log, and what is read of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.failure import Category, Failure
from domain.whatif.policy import Change
from domain.whatif.question import Question, TooMuch
from domain.whatif.reading import position_before, recording_of
from domain.whatif.tale import Tale
from tests.domain.whatif.days import MemoryLog, an_attempt, failed, log_of, refused, sent
from tests.doubles import BROKEN, LOST, RESTARTING, flood, moved_to
from tests.examples import NOON, a_delivered, a_started, after

DEADLINE_S = 30.0


def told(*happened: list[object], max_commands: int = 100) -> list[Tale]:
    question = Question(since=NOON, until=NOON + timedelta(hours=1), change=Change(), max_commands=max_commands)
    recording, _ = recording_of(MemoryLog(log_of(*happened)), question, DEADLINE_S, lambda _: None)  # type: ignore[arg-type]
    return list(recording.tales)


@given(st.lists(st.floats(0, 100), max_size=30), st.floats(0, 100))
def test_halving_finds_the_place_after_which_all_of_a_time_stands(times: list[float], when: float) -> None:
    log = log_of(*(refused(n, at, "cancelled") for n, at in enumerate(times)))
    position = position_before(MemoryLog(log), after(when))

    assert all(recorded.event.occurred_at < after(when) for recorded in log[:position])
    assert all(recorded.event.occurred_at >= after(when) for recorded in log[position:])


def test_more_commands_than_may_be_replayed_are_too_much() -> None:
    many = [sent(n, float(n)) for n in range(5)]

    assert 5 == len(told(*many, max_commands=5))
    with pytest.raises(TooMuch):
        told(*many, max_commands=4)


def test_a_command_is_told_with_each_answer_and_what_it_took() -> None:
    (tale,) = told(
        [
            a_started(command_id="c0001", occurred_at=after(0), received_at=after(0)),
            an_attempt(1, 0.1, RESTARTING, again_after_s=0.5),
            an_attempt(1, 0.7, flood(3), again_after_s=0.0),
            a_delivered("c0001", occurred_at=after(4.0), attempts=3, queue_ms=12.0, telegram_ms=250.0),
        ]
    )

    assert [0.5, 0.0, None] == [given.again_after_s and round(given.again_after_s, 6) for given in tale.given]
    assert [100, 100, 250] == [round(given.took_s * 1000) for given in tale.given]
    assert (0.012, True) == (round(tale.written_s, 6), tale.end.code == "")
    answers = [given.answer for given in tale.given[:2]]
    assert [(Category.SERVER_ERROR, True, 0.0), (Category.RATE_LIMIT, True, 3.0)] == [
        (answer.category, answer.certain, answer.retry_after_s) for answer in answers if isinstance(answer, Failure)
    ]


def test_where_a_group_has_moved_is_read_from_the_attempt_that_followed() -> None:
    (tale,) = told(
        [
            a_started(command_id="c0001", occurred_at=after(0), received_at=after(0), chat="-1"),
            an_attempt(1, 0.1, moved_to(-100123), again_after_s=0.0, chat="-1"),
            a_delivered("c0001", occurred_at=after(0.4), attempts=2, chat="-100123"),
        ]
    )
    answer = tale.given[0].answer

    assert ("-1", "chat:-1") == (tale.chat, tale.lane)
    assert isinstance(answer, Failure)
    assert -100123 == answer.migrate_to


@pytest.mark.parametrize(
    ("happened", "deadline_s"),
    [
        (sent(1, 0.0), DEADLINE_S),
        (sent(1, 0.0, took_s=45.0), 45.0),
        (refused(1, 0.0, "deadline_exceeded", waited_s=5.0), 5.0),
        (failed(1, 0.0, flood(4), took_s=0.5), 2.5),
        (refused(1, 0.0, "telegram_hold"), DEADLINE_S),
    ],
    ids=["unknown", "took longer", "passed", "a hold beyond it", "refused at once"],
)
def test_a_deadline_is_the_setting_s_unless_the_record_shows_another(happened: list[object], deadline_s: float) -> None:
    (tale,) = told(happened)

    assert deadline_s == pytest.approx(tale.deadline - tale.arrived)


def test_who_repeats_a_lost_answer_was_allowed_to() -> None:
    again = [
        a_started(command_id="c0001", occurred_at=after(0), received_at=after(0)),
        an_attempt(1, 0.1, LOST, again_after_s=0.5),
        a_delivered("c0001", occurred_at=after(1.0), attempts=2),
    ]

    assert [True, False] == [told(some)[0].repeatable for some in (again, failed(1, 0.0, BROKEN))]


def test_what_ends_long_after_the_range_is_read_to_its_end() -> None:
    """It was accepted, or started, within it."""
    (tale,) = told(sent(1, 3590.0, waited_s=100.0))

    assert 3690.1 == pytest.approx(tale.end.at - 120)
