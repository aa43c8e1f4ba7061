"""What may be known of an update without reading it."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from aiogram.enums import UpdateType

from domain.updates import Kind, NoUpdate, Update, argument_in, read


def test_every_kind_of_update_that_telegram_knows_can_be_asked_for() -> None:
    assert {kind.value for kind in UpdateType} == set(get_args(Kind))


def body(kind: str, content: Any, update_id: Any = 7) -> bytes:
    return json.dumps({"update_id": update_id, kind: content}).encode()


@pytest.mark.parametrize(
    ("kind", "content", "lane", "chat", "chat_type"),
    [
        ("message", {"chat": {"id": -42, "type": "group"}, "from": {"id": 5}}, "-42", "-42", "group"),
        ("callback_query", {"from": {"id": 5}, "message": {"chat": {"id": 42}}}, "42", "42", None),
        ("inline_query", {"from": {"id": 5}, "query": "cats"}, "user:5", None, None),
        ("poll_answer", {"user": {"id": 6}}, "user:6", None, None),
        ("poll", {"id": "9"}, "user:", None, None),
        ("message", {"chat": {"id": True}}, "user:", None, None),
    ],
)
def test_an_update_stays_in_order_with_its_chat_or_its_user_where_there_is_none(
    kind: str, content: dict[str, Any], lane: str, chat: str | None, chat_type: str | None
) -> None:
    assert Update(7, kind, lane, chat, chat_type, None) == read(body(kind, content))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/start", "start"),
        ("/Start@my_bot 17", "start"),
        ("/a_1\nand more", "a_1"),
        ("/" + "a" * 32, "a" * 32),
        ("/" + "a" * 33, None),
        ("/stärt", None),
        ("/", None),
        ("/ hunter2", None),
        ("/\nhunter2", None),
        ("/@my_bot", None),
        ("/a-b", None),
        ("start", None),
        (17, None),
    ],
)
def test_of_a_text_only_the_bot_command_is_known_that_it_begins_with(text: object, command: str | None) -> None:
    assert command == read(body("message", {"chat": {"id": 42}, "text": text})).command


@pytest.mark.parametrize(
    ("text", "to", "argument"),
    [
        ("/start", None, ""),
        ("/start ", None, ""),
        ("/start 17", None, "17"),
        ("/start@my_bot 17", "my_bot", "17"),
        ("/start@My_Bot\n 17 and more ", "my_bot", "17 and more"),
        ("/start@my_bot, 17", "my_bot", "17"),
        ("/start@my_bot-x 17", "my_bot", "17"),
        ("/start@ 17", "", "17"),
        ("/start me@my_bot", None, "me@my_bot"),
    ],
)
def test_a_bot_command_may_name_the_bot_it_is_for(text: str, to: str | None, argument: str) -> None:
    message = body("message", {"chat": {"id": 42}, "text": text})

    assert (to, argument) == (read(message).to, argument_in(message))


@pytest.mark.parametrize("text", ["hello@my_bot", "/@my_bot", "/a-b@my_bot", "/stärt@my_bot"])
def test_what_is_no_bot_command_names_nobody(text: str) -> None:
    assert None is read(body("message", {"chat": {"id": 42}, "text": text})).to


@pytest.mark.parametrize(
    "strange",
    [
        b"",
        b"[]",
        b"{",
        b'{"update_id": 7, "\xff": {}}',
        b'{"update_id": 7, "a": ' + b"[" * 100_000,
        b'{"message": {}}',
        b'{"update_id": 7}',
        body("message", "hello"),
        body("message", {}, update_id=True),
        body("message", {}, update_id=7.0),
        body("message", {}, update_id=-1),
        body("message", {}, update_id=2**53),
    ],
)
def test_what_telegram_does_not_bring_is_no_update(strange: bytes) -> None:
    with pytest.raises(NoUpdate):
        read(strange)


def test_a_name_of_any_length_is_cut() -> None:
    found = read(body("k" * 65, {"chat": {"id": 1, "type": "t" * 33}}))

    assert ("k" * 64, "t" * 32) == (found.kind, found.chat_type)
