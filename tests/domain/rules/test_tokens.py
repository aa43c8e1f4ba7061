"""Tokens: taken as loosely as Telegram takes them, and told to nobody."""

from __future__ import annotations

import copy
import dataclasses
import json
import pprint
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from domain.rules.tokens import MAX_LENGTH, Token, parse, without_tokens
from tests.examples import BOT_ID, TOKEN_TEXT, a_token

SECRET_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
SECRETS = st.text(SECRET_LETTERS, min_size=30, max_size=60)
BOT_IDS = st.integers(10_000, 2**54 - 1)


@pytest.mark.parametrize(
    "text",
    [
        TOKEN_TEXT,
        "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
        "1:x",
        f"{2**54 - 1}:AAH_short",
        "7000000001:" + "x" * (MAX_LENGTH - len("7000000001:")),
        f"  {TOKEN_TEXT}\n",
    ],
)
def test_what_telegram_might_take_for_a_token_is_one_however_long(text: str) -> None:
    token = parse(text)

    assert token is not None
    assert text.strip() == token.reveal()
    assert int(text.partition(":")[0]) == token.bot_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "123456",
        "123456:",
        ":AAHexamples",
        "0123456:AAHexamples",
        "-123456:AAHexamples",
        "abc:AAHexamples",
        "123456:AAH/examples",
        "123456:AAH examples",
        "123456:AAHexämples",
        "١٢٣٤٥٦:AAHexamples",
        "123456:AAH:examples",
        f"{2**54}:AAHexamples",
        "7000000001:" + "x" * (MAX_LENGTH - len("7000000001:") + 1),
    ],
)
def test_what_telegram_s_server_would_not_take_is_no_token(text: str) -> None:
    assert parse(text) is None


WAYS_TO_PRINT: list[Callable[[Token], str]] = [
    repr,
    str,
    format,
    ascii,
    pprint.pformat,
    pretty_repr,
    lambda token: f"{token} {token!r} {token!s}",
    lambda token: "%s %r" % (token, token),  # noqa: UP031  as logging does it
    lambda token: repr([token, {token: (token,)}]),
    lambda token: str(ValueError(token)),
    lambda token: repr(dataclasses.make_dataclass("Holder", ["token"])(token)),
    lambda token: repr(msgspec.defstruct("Message", [("token", Token)])(token)),
]


@given(BOT_IDS, SECRETS)
@settings(max_examples=50, deadline=None)
def test_no_way_of_printing_a_token_tells_it(bot_id: int, secret: str) -> None:
    token = parse(f"{bot_id}:{secret}")

    assert token is not None
    for way in WAYS_TO_PRINT:
        printed = way(token)

        assert secret not in printed
        assert str(bot_id) in printed


SERIALISERS: list[Callable[[Token], object]] = [
    msgspec.json.encode,
    msgspec.to_builtins,
    json.dumps,
    lambda token: json.dumps(token, default=vars),
    lambda token: msgspec.json.encode(msgspec.defstruct("Message", [("token", Token)])(token)),
    dataclasses.asdict,  # type: ignore[list-item]  # that is the point
]


@pytest.mark.parametrize("serialise", SERIALISERS)
def test_a_token_is_not_serialised_by_accident(serialise: Callable[[Token], object]) -> None:
    with pytest.raises(TypeError) as refused:
        serialise(a_token())

    assert TOKEN_TEXT not in str(refused.value)


def test_a_dataclass_that_holds_a_token_becomes_a_dict_that_does_not_tell_it() -> None:
    holder = dataclasses.make_dataclass("Holder", ["token"])(a_token())

    assert TOKEN_TEXT not in str(dataclasses.asdict(holder))


def test_a_token_does_not_change() -> None:
    token = a_token()

    with pytest.raises(AttributeError):
        token.bot_id = 5  # type: ignore[misc]  # that is the point

    assert BOT_ID == token.bot_id


def test_equal_texts_are_equal_tokens() -> None:
    other = parse("7000000001:AAHanother_secret_of_the_same_bot_0123")

    assert a_token() == a_token() == copy.deepcopy(a_token())
    assert other != a_token()
    assert {a_token(), a_token()} == {a_token()}


def test_a_fingerprint_tells_two_tokens_apart_and_neither_of_them() -> None:
    token, other = a_token(), parse("7000000001:AAHanother_secret_of_the_same_bot_0123")

    assert other is not None
    assert token.fingerprint == a_token().fingerprint
    assert token.fingerprint != other.fingerprint
    assert token.fingerprint not in TOKEN_TEXT
    assert 16 == len(token.fingerprint)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("nothing to hide", "nothing to hide"),
        (f"POST https://api.telegram.org/bot{TOKEN_TEXT}/getMe", "POST https://api.telegram.org/bot<token>/getMe"),
        (f"{TOKEN_TEXT} and {TOKEN_TEXT}", "<token> and <token>"),
        (f"bot{TOKEN_TEXT.replace(':', '%3A')}/getMe", "bot<token>/getMe"),
        (f"bot{TOKEN_TEXT.replace(':', '%3a')}/getMe", "bot<token>/getMe"),
        ("at 12:30:45 chat 12345: not found", "at 12:30:45 chat 12345: not found"),
    ],
)
def test_tokens_are_taken_out_of_text_that_comes_from_elsewhere(text: str, clean: str) -> None:
    assert clean == without_tokens(text)


@given(st.text(max_size=30), BOT_IDS, SECRETS, st.text(max_size=30))
@settings(max_examples=100, deadline=None)
def test_whatever_stands_around_a_token_it_is_taken_out(before: str, bot_id: int, secret: str, after: str) -> None:
    assert f"{bot_id}:{secret}" not in without_tokens(f"{before}{bot_id}:{secret}{after}")
