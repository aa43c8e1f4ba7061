"""Holds: what Telegram said "not before" about, and until when."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rules.holds import BOT, NONE, Holds, any_active, held_until, placed, restored, scope_of


def held_chat(holds: Holds, chat: str, now: float) -> float | None:
    return held_until(holds, "sendMessage", chat, now)


@pytest.mark.parametrize(
    ("method", "chat", "scope"),
    [
        ("sendMessage", "5", "chat:5"),
        ("sendMessage", "@news", "chat:@news"),
        ("sendChatAction", "-1001", "chat:-1001"),
        ("getMe", None, "method:getMe"),
    ],
)
def test_a_429_holds_the_chat_that_the_call_named_and_else_its_method(
    method: str, chat: str | None, scope: str
) -> None:
    assert scope == scope_of(method, chat)


def test_nothing_is_held_at_first() -> None:
    assert held_chat(NONE, "5", 0.0) is None
    assert not any_active(NONE, 0.0)


def test_a_held_chat_waits_exactly_until_the_hold_is_over() -> None:
    holds = placed(NONE, "chat:5", 3.0, 10.0)

    assert 13.0 == held_chat(holds, "5", 10.0)
    assert 13.0 == held_chat(holds, "5", 12.999)
    assert held_chat(holds, "5", 13.0) is None


def test_other_chats_go_on() -> None:
    holds = placed(NONE, "chat:5", 3.0, 0.0)

    assert held_chat(holds, "6", 1.0) is None
    assert held_until(holds, "getMe", None, 1.0) is None


def test_a_held_chat_waits_with_every_method_cosmetic_ones_too() -> None:
    holds = placed(NONE, "chat:5", 3.0, 0.0)

    assert 3.0 == held_until(holds, "sendChatAction", "5", 1.0)
    assert 3.0 == held_until(holds, "getChat", "5", 1.0)


def test_a_held_method_lets_other_methods_go() -> None:
    holds = placed(NONE, "method:setMyName", 60.0, 0.0)

    assert 60.0 == held_until(holds, "setMyName", None, 1.0)
    assert held_until(holds, "getMe", None, 1.0) is None
    assert held_chat(holds, "5", 1.0) is None


def test_a_held_bot_sends_nothing_at_all() -> None:
    holds = placed(NONE, BOT, 4.0, 0.0)

    assert 4.0 == held_chat(holds, "5", 1.0)
    assert 4.0 == held_until(holds, "getMe", None, 1.0)


@pytest.mark.parametrize("apart_s", [0.0, 0.3, 1.0])
def test_two_chats_held_within_a_second_hold_the_bot(apart_s: float) -> None:
    holds = placed(placed(NONE, "chat:5", 3.0, 10.0), "chat:6", 7.0, 10.0 + apart_s)

    assert 17.0 + apart_s == held_chat(holds, "7", 11.0)
    assert 17.0 + apart_s == held_until(holds, "getMe", None, 11.0)


def test_two_chats_held_further_apart_hold_only_themselves() -> None:
    holds = placed(placed(NONE, "chat:5", 9.0, 10.0), "chat:6", 7.0, 11.25)

    assert held_chat(holds, "7", 11.5) is None
    assert 19.0 == held_chat(holds, "5", 11.5)
    assert 18.25 == held_chat(holds, "6", 11.5)


def test_one_chat_held_twice_within_a_second_is_still_one_conversation() -> None:
    holds = placed(placed(NONE, "chat:5", 3.0, 10.0), "chat:5", 3.0, 10.5)

    assert held_chat(holds, "6", 10.6) is None


def test_a_held_method_and_a_held_chat_do_not_add_up_to_the_bot() -> None:
    holds = placed(placed(NONE, "method:getMe", 3.0, 10.0), "chat:5", 3.0, 10.1)
    holds = placed(holds, "method:getFile", 3.0, 10.2)

    assert held_chat(holds, "6", 10.3) is None


def test_a_method_held_in_between_does_not_hide_that_two_chats_were() -> None:
    holds = placed(placed(NONE, "chat:5", 3.0, 10.0), "method:getMe", 3.0, 10.1)

    assert 13.2 == held_chat(placed(holds, "chat:6", 3.0, 10.2), "7", 10.3)


def test_a_shorter_answer_never_shortens_a_longer_hold() -> None:
    holds = placed(placed(NONE, "chat:5", 30.0, 0.0), "chat:5", 1.0, 2.0)

    assert 30.0 == held_chat(holds, "5", 3.0)


def test_a_shorter_hold_of_the_bot_never_shortens_that_of_a_chat() -> None:
    holds = placed(placed(NONE, "chat:5", 30.0, 0.0), "chat:6", 3.0, 0.5)

    assert 30.0 == held_chat(holds, "5", 1.0)
    assert 3.5 == held_chat(holds, "6", 1.0)


def test_a_hold_read_back_from_the_log_holds_again() -> None:
    holds = restored(NONE, "chat:5", 40.0)

    assert 40.0 == held_chat(holds, "5", 1.0)
    assert any_active(holds, 39.0)
    assert not any_active(holds, 40.0)


def test_reading_back_a_shorter_hold_does_not_shorten_a_longer_one() -> None:
    holds = restored(restored(NONE, "chat:5", 40.0), "chat:5", 20.0)

    assert 40.0 == held_chat(holds, "5", 1.0)


def test_a_hold_read_back_is_no_sign_that_the_bot_is_too_fast() -> None:
    holds = placed(restored(NONE, "chat:5", 40.0), "chat:6", 3.0, 0.5)

    assert held_chat(holds, "7", 1.0) is None


def test_what_is_over_is_forgotten_with_the_next_hold() -> None:
    holds = NONE
    for chat in range(1000):
        holds = placed(holds, f"chat:{chat}", 1.0, chat * 2.0)

    assert 1 == len(holds.until)


SCOPES = ["chat:1", "chat:2", "chat:3", "method:getMe", BOT]
PLACINGS = st.lists(
    st.tuples(st.sampled_from(SCOPES), st.floats(0.0, 30.0), st.sampled_from([0.0, 0.4, 1.0, 1.1, 5.0])), max_size=30
)


@given(PLACINGS)
@settings(max_examples=100, deadline=None)
def test_no_answer_of_telegram_ever_lets_a_call_go_before_the_time_it_named(
    placings: list[tuple[str, float, float]],
) -> None:
    holds, now, promised = NONE, 0.0, dict.fromkeys(SCOPES, 0.0)
    for scope, retry_after_s, passed_s in placings:
        now += passed_s
        holds = placed(holds, scope, retry_after_s, now)
        promised[scope] = max(promised[scope], now + retry_after_s)

        for kind, held in ((s.split(":"), until) for s, until in promised.items() if until > now):
            method, chat = ("getMe", None) if kind[0] != "chat" else ("sendMessage", kind[1])
            assert (held_until(holds, method, chat, now) or 0.0) >= held
