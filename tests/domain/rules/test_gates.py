"""All gates together: which one a command meets first, and whether it waits or is told at once."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from domain.rules import breaker, holds, pacing
from domain.rules.gates import Call, Refuse, Situation, Stay, verdict
from tests.examples import CHAT, GROUP

NOW = 100.0
CALL = Call("sendMessage", CHAT, leaves_by=NOW + 30)
PATIENT = replace(CALL, patient=True)
TYPING = replace(CALL, method="sendChatAction", cosmetic=True)
OPEN = breaker.opened(breaker.CLOSED, breaker.BreakerPolicy(cooldown_s=20), NOW)
PROBING = breaker.dispatched(OPEN, breaker.BreakerPolicy(), NOW + 20)[0]
CHAT_HELD = holds.placed(holds.NONE, f"chat:{CHAT}", 10.0, NOW)
BOT_HELD = holds.placed(holds.NONE, holds.BOT, 5.0, NOW)

AT_REST = Situation(
    breaker=breaker.CLOSED,
    holds=holds.NONE,
    pace=pacing.PacePolicy(),
    slow=None,
    full_at={},
    in_flight=0,
    max_in_flight=30,
)
"""Every gate is open."""
IN_FLIGHT = AT_REST._replace(in_flight=30)
PACED = IN_FLIGHT._replace(full_at={f"chat:{CHAT}": NOW + 6.0})
HELD = PACED._replace(holds=CHAT_HELD)
BROKEN = HELD._replace(breaker=OPEN)


def test_a_command_leaves_when_every_gate_is_open() -> None:
    assert verdict(CALL, AT_REST, NOW) is None


@pytest.mark.parametrize(
    ("bot", "stay"),
    [
        pytest.param(BROKEN, Stay(NOW + 20, "breaker", whole_bot=True), id="breaker"),
        pytest.param(HELD, Stay(NOW + 10, "hold", whole_bot=False), id="hold"),
        pytest.param(PACED, Stay(NOW + 4, "pace", whole_bot=False), id="pace"),
        pytest.param(IN_FLIGHT, Stay(math.inf, "in_flight", whole_bot=True), id="in flight"),
    ],
)
def test_the_first_closed_gate_decides_breaker_hold_pace_in_flight(bot: Situation, stay: Stay) -> None:
    assert stay == verdict(PATIENT, bot, NOW)


def test_asking_takes_nothing() -> None:
    assert [verdict(CALL, PACED, NOW)] * 3 == [verdict(CALL, PACED, NOW) for _ in range(3)]


def test_a_held_bot_keeps_everything_back_also_a_chat_that_is_held_for_longer() -> None:
    both = AT_REST._replace(holds=holds.restored(CHAT_HELD, holds.BOT, NOW + 5))

    assert Stay(NOW + 5, "hold", whole_bot=True) == verdict(CALL, both, NOW)
    assert Stay(NOW + 10, "hold", whole_bot=False) == verdict(CALL, both, NOW + 5)


def test_the_bot_s_own_pace_keeps_everything_back() -> None:
    bot = AT_REST._replace(full_at={pacing.BOT: NOW + 0.04})

    assert Stay(NOW + 0.04, "pace", whole_bot=True) == verdict(CALL, bot, NOW)


def test_a_group_s_pace_keeps_back_that_group_alone() -> None:
    bot = AT_REST._replace(full_at={f"group:{GROUP}": NOW + 20.0})

    assert Stay(NOW + 4.0, "pace", whole_bot=False) == verdict(replace(CALL, chat=GROUP), bot, NOW)
    assert verdict(CALL, bot, NOW) is None


def test_one_call_less_in_flight_lets_the_next_go() -> None:
    assert verdict(CALL, IN_FLIGHT._replace(in_flight=29), NOW) is None


def test_an_open_breaker_is_told_at_once_and_only_the_patient_sit_it_out() -> None:
    bot = AT_REST._replace(breaker=OPEN)

    assert Refuse("breaker_open", 20.0) == verdict(CALL, bot, NOW)
    assert Stay(NOW + 20, "breaker", whole_bot=True) == verdict(PATIENT, bot, NOW)


def test_while_a_probe_is_out_everybody_waits_for_its_answer() -> None:
    bot = AT_REST._replace(breaker=PROBING)

    assert Stay(NOW + 35, "breaker", whole_bot=True) == verdict(replace(CALL, leaves_by=NOW + 60), bot, NOW + 20)


def test_a_forced_breaker_names_no_end() -> None:
    bot = AT_REST._replace(breaker=breaker.forced(breaker.CLOSED))

    assert Refuse("breaker_open", None) == verdict(CALL, bot, NOW)
    assert Stay(math.inf, "breaker", whole_bot=True) == verdict(PATIENT, bot, NOW)


@pytest.mark.parametrize(
    ("bot", "code", "retry_after_s"),
    [(HELD, "telegram_hold", 10.0), (PACED, "rate_limited", 4.0), (BROKEN, "breaker_open", 20.0)],
)
def test_whoever_could_only_leave_after_the_deadline_is_told_at_once(
    bot: Situation, code: str, retry_after_s: float
) -> None:
    hurried = replace(PATIENT, leaves_by=NOW + retry_after_s)

    assert Refuse(code, retry_after_s) == verdict(hurried, bot, NOW)
    assert isinstance(verdict(replace(hurried, leaves_by=NOW + retry_after_s + 0.1), bot, NOW), Stay)


def test_what_could_leave_is_too_late_all_the_same_from_the_moment_by_which_it_must_have_left() -> None:
    assert Refuse("deadline_exceeded", None) == verdict(replace(CALL, leaves_by=NOW), AT_REST, NOW)
    assert verdict(replace(CALL, leaves_by=NOW + 0.01), AT_REST, NOW) is None


@pytest.mark.parametrize(
    ("bot", "refused"),
    [
        (BROKEN, Refuse("breaker_open", 20.0)),
        (HELD, Refuse("telegram_hold", 10.0)),
        (PACED, Refuse("rate_limited", 4.0)),
        (IN_FLIGHT, Refuse("rate_limited", None)),
    ],
)
def test_a_typing_indicator_never_waits(bot: Situation, refused: Refuse) -> None:
    assert refused == verdict(TYPING, bot, NOW)


def test_a_typing_indicator_leaves_when_there_is_room() -> None:
    assert verdict(TYPING, AT_REST, NOW) is None
