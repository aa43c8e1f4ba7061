"""What the gateway says about a command's parameters before anything leaves for Telegram."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from string import ascii_lowercase
from typing import Any, Literal

import pytest
from aiogram import methods
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from gateway.parameters import FILE, SIGNATURES, check, fault, signature
from ops.bot_api import as_file, described

MODELS: dict[str, type[methods.TelegramMethod[Any]]] = {
    model.__api_method__: model
    for model in (getattr(methods, name) for name in methods.__all__)
    if isinstance(getattr(model, "__api_method__", None), str)
}

HELLO = {"chat_id": 5, "text": "hello"}


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("sendMessage", HELLO),
        ("SENDMESSAGE", HELLO),
        ("getMe", {}),
        ("sendMessage", HELLO | {"chat_id": "@channel"}),
        ("sendMessage", HELLO | {"parse_mode": None}),
        ("sendMessage", HELLO | {"message_thread_id": "7"}),
        ("sendMessage", HELLO | {"message_thread_id": "-7"}),
        ("sendMessage", HELLO | {"disable_notification": True}),
        ("sendMessage", HELLO | {"disable_notification": "False"}),
        ("sendMessage", HELLO | {"reply_markup": {"remove_keyboard": True}}),
        ("sendMessage", HELLO | {"reply_markup": ' {"remove_keyboard": true}'}),
        ("sendMessage", HELLO | {"entities": []}),
        ("sendMessage", HELLO | {"entities": "[]"}),
        ("sendMessage", HELLO | {"reply_to_message_id": 3}),
        ("sendLocation", {"chat_id": 5, "latitude": 1, "longitude": 2.5}),
        ("sendLocation", {"chat_id": 5, "latitude": "-1.5", "longitude": "1e1"}),
        ("sendPhoto", {"chat_id": 5, "photo": "AgACAgIAAx"}),
        ("setChatPhoto", {"chat_id": 5, "photo": "attach://picture"}),
        ("sendMediaGroup", {"chat_id": 5, "media": [{"type": "photo", "media": "https://x.example/y.jpg"}]}),
        ("editMessageMedia", {"media": {"type": "photo", "media": "AgACAgIAAx"}}),
        ("banChatMember", {"chat_id": 5, "user_id": 6, "until_date": 1_800_000_000}),
        ("banChatMember", {"chat_id": 5, "user_id": 6, "until_date": "1800000000"}),
        ("editMessageText", {"inline_message_id": "x", "text": "hello"}),
    ],
)
def test_what_telegram_would_take_is_taken(method: str, parameters: dict[str, object]) -> None:
    assert check(method, parameters) is None


@pytest.mark.parametrize(
    ("method", "parameters", "sentence"),
    [
        ("sendMessage", {"chat_id": 5}, 'sendMessage needs the parameter "text".'),
        ("sendMessage", {"chat_id": 5, "text": None}, 'sendMessage needs the parameter "text".'),
        ("sendmessage", {}, 'sendMessage needs the parameters "chat_id" and "text".'),
        ("sendLocation", {}, 'sendLocation needs the parameters "chat_id", "latitude" and "longitude".'),
    ],
)
def test_everything_that_is_missing_is_named(method: str, parameters: dict[str, object], sentence: str) -> None:
    assert sentence == check(method, parameters)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("txt", 'sendMessage has no parameter "txt"; did you mean "text"?'),
        ("chatId", 'sendMessage has no parameter "chatId"; did you mean "chat_id"?'),
        ("TEXT", 'sendMessage has no parameter "TEXT"; did you mean "text"?'),
        ("q", 'sendMessage has no parameter "q".'),
        ("", 'sendMessage has no parameter "".'),
        ("x" * 65, f'sendMessage has no parameter "{"x" * 64}".'),
        ("te\nxt", "sendMessage has no parameter of the name that was given."),
        ("\u202etext", "sendMessage has no parameter of the name that was given."),
    ],
)
def test_a_name_that_telegram_does_not_know_is_refused_with_the_nearest_one(name: str, sentence: str) -> None:
    assert sentence == check("sendMessage", HELLO | {name: 1})


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ("sendMesage", 'The Bot API has no method "sendMesage"; did you mean "sendMessage"?'),
        ("zzz", 'The Bot API has no method "zzz".'),
        ("a\x00b", "The Bot API has no method of the name that was given."),
    ],
)
def test_a_method_that_telegram_does_not_know_is_refused_with_the_nearest_one(method: str, sentence: str) -> None:
    assert sentence == check(method, HELLO)


@pytest.mark.parametrize(
    ("method", "name", "value", "complaint"),
    [
        ("editMessageText", "message_id", [], "an integer, not a list"),
        ("editMessageText", "message_id", True, "an integer, not a boolean"),
        ("editMessageText", "message_id", 1.5, "an integer, not a decimal number"),
        ("editMessageText", "message_id", "1.5", "an integer, not a string"),
        ("editMessageText", "message_id", "", "an integer, not a string"),
        ("editMessageText", "message_id", "\u0663", "an integer, not a string"),
        ("sendMessage", "text", 5, "a string, not an integer"),
        ("sendMessage", "text", {}, "a string, not an object"),
        ("sendMessage", "text", b"hello", "a string, not a value that JSON does not have"),
        ("sendMessage", "chat_id", True, "an integer or a string, not a boolean"),
        ("sendMessage", "disable_notification", 1, "a boolean, not an integer"),
        ("sendMessage", "disable_notification", "truer", "a boolean, not a string"),
        ("sendMessage", "reply_markup", [], "an object, not a list"),
        ("sendMessage", "reply_markup", "[]", "an object, not a string"),
        ("sendMessage", "entities", {}, "a list, not an object"),
        ("sendMessage", "entities", "{}", "a list, not a string"),
        ("sendLocation", "latitude", False, "a number, not a boolean"),
        ("sendLocation", "latitude", "1,5", "a number, not a string"),
        ("sendPhoto", "photo", {}, "a string, not an object"),
        ("sendMediaGroup", "media", {}, "a list, not an object"),
        ("banChatMember", "until_date", "2027-01-01", "an integer, not a string"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(method: str, name: str, value: object, complaint: str) -> None:
    assert f'"{name}" of {method} must be {complaint}.' == check(method, {name: value})


class Colour(Enum):
    RED = "red"


class Part(BaseModel):
    size: int


class PaintChat(methods.TelegramMethod[bool]):
    """A method with every shape of parameter that aiogram may bring one day."""

    __returning__ = bool
    __api_method__ = "paintChat"
    model_config = ConfigDict(arbitrary_types_allowed=True)

    from_: int = Field(alias="from")
    colour: Colour | None = None
    finish: Literal["matt", "gloss"] | None = None
    layers: Literal[1, 2] | None = None
    parts: dict[str, Part] | None = None
    at: datetime | timedelta | None = None
    brush: bytearray | None = None


def painting(name: str, value: object) -> str | None:
    return fault(signature("paintChat", described(PaintChat)), {"from": 1, name: value})


def test_a_parameter_goes_by_telegrams_own_name() -> None:
    sentence = 'paintChat has no parameter "from_"; did you mean "from"?'

    assert sentence == painting("from_", 1)


@pytest.mark.parametrize(
    ("name", "good", "expected"),
    [
        ("colour", "green", "a string"),
        ("finish", "silk", "a string"),
        ("layers", 3, "an integer"),
        ("parts", {}, "an object"),
        ("at", 5, "an integer"),
    ],
)
def test_a_choice_or_a_time_is_checked_by_its_json_type_alone(name: str, good: object, expected: str) -> None:
    assert painting(name, good) is None
    assert f'"{name}" of paintChat must be {expected}, not a list.' == painting(name, [])


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [], {}])
def test_a_parameter_that_we_do_not_understand_is_left_to_telegram(value: object) -> None:
    assert painting("brush", value) is None


def test_the_file_says_what_the_installed_aiogram_says() -> None:
    """`python -m ops.bot_api` writes it anew."""
    assert as_file() == FILE.read_bytes()


def test_every_method_of_aiogram_can_be_checked_and_nothing_in_it_is_left_unchecked() -> None:
    unchecked = [
        (signature.method, name)
        for signature in SIGNATURES.values()
        for name, parameter in signature.parameters.items()
        if "anything" in parameter.expected
    ]

    assert sorted(MODELS) == sorted(signature.method for signature in SIGNATURES.values())
    assert not unchecked


# Read from the text of the annotation, so that it shares nothing with the code under test; the first that fits counts.
SAMPLES: tuple[tuple[str, object], ...] = (
    ("list[", []),
    ("Union[", {}),
    ("int | str", "@channel"),
    ("datetime", 1_800_000_000),
    ("str | aiogram.types.input_file", "AgACAgIAAx"),
    ("aiogram.types.input_file", "attach://picture"),
    ("bool", False),
    ("int'", 1),
    ("int |", 1),
    ("float", 1.5),
    ("str'", "x"),
    ("str |", "x"),
    ("aiogram.types.", {}),
    ("Optional[typing.Annotated", {}),
)


def sample(annotation: object) -> object:
    written = str(annotation)
    for beginning, value in SAMPLES:
        if written.removeprefix("<class '").removeprefix("typing.").startswith(beginning):
            return value
    raise AssertionError(written)


@pytest.mark.parametrize("method", MODELS)
def test_the_smallest_and_the_fullest_body_of_every_method_are_taken(method: str) -> None:
    fields = MODELS[method].model_fields
    smallest = {name: sample(info.annotation) for name, info in fields.items() if info.is_required()}
    fullest = {name: sample(info.annotation) for name, info in fields.items()}

    assert check(method, smallest) is None
    assert check(method, fullest) is None


@pytest.mark.parametrize("method", MODELS)
def test_every_method_without_its_parameters_asks_for_all_that_it_needs(method: str) -> None:
    needed = [name for name, info in MODELS[method].model_fields.items() if info.is_required()]
    said = check(method, {}) or ""

    assert needed == [part for part in said.split('"') if part in MODELS[method].model_fields]


# No name has a digit, so a digit in a sentence comes from a value.
SECRETS = st.text("{[ ", max_size=3).map("{}SECRET".format) | st.integers(min_value=0) | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | SECRETS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("SECRET"), inner, max_size=1),
    max_leaves=4,
)


@st.composite
def commands(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """Draw a method and a body that has mostly its own names, and sometimes a stray one."""
    signature = draw(st.sampled_from([signature for signature in SIGNATURES.values() if signature.parameters]))
    own = st.sampled_from(list(signature.parameters))
    stray = st.text(ascii_lowercase + "_\n", max_size=70)
    body = draw(st.dictionaries(own, VALUES, max_size=4))
    return signature.method, body | draw(st.dictionaries(stray, VALUES, max_size=1))


@given(commands())
def test_no_body_can_break_the_check_and_no_value_is_ever_repeated(command: tuple[str, dict[str, object]]) -> None:
    said = check(*command) or ""

    assert "SECRET" not in said
    assert not any(character.isdigit() for character in said)


@given(method=st.text(max_size=80), body=st.dictionaries(st.text(max_size=80), VALUES, max_size=3))
def test_no_name_can_break_the_check_and_none_is_repeated_beyond_its_limit(
    method: str, body: dict[str, object]
) -> None:
    for sentence in (check(method, body), check("sendMessage", HELLO | body)):
        assert sentence is None or (len(sentence) < 160 and sentence.isprintable())
