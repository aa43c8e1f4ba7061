"""Bodies that are too large, too deep, or no JSON at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples import BOT_ID
from tests.gateway.asgi import Conversation
from tests.gateway.fakes import House

PATH = f"/api/bots/{BOT_ID}/commands/sendMessage"
MIB = 1024 * 1024
NOT_JSON = "The body is not JSON in UTF-8: it must be one JSON object, and nothing after it."
TOO_DEEP = "The body is nested more than 64 levels deep."


def nested(levels: int) -> bytes:
    return b'{"chat_id":42,"text":"hi","reply_markup":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"chat_id":', NOT_JSON),
        (b"chat_id=42&text=hi", NOT_JSON),
        (b"\xff\xfe", NOT_JSON),
        (b'{"text":"\xff"}', NOT_JSON),
        (b'{"text":"\\ud800"}', NOT_JSON),
        (b'{"chat_id":NaN}', NOT_JSON),
        (b'{"chat_id":42} {}', NOT_JSON),
        (b"[1]", "The body must be an object, not a list."),
        (b'"text"', "The body must be an object, not a string."),
        (b"null", "The body must be an object, not null."),
        (b"7", "The body must be an object, not an integer."),
        (b'{"chat_id":1e999}', "The body has a value that cannot be taken: a number is out of range."),
        (b'{"chat_id":' + b"9" * 5000 + b"}", "The body has a value that cannot be taken: a number is out of range."),
        (nested(65), TOO_DEEP),
        (nested(900), TOO_DEEP),
        (nested(100_000), TOO_DEEP),
        (b'{"a":' * 100_000, TOO_DEEP),
    ],
)
def test_a_command_s_body_that_cannot_be_read_is_refused_in_a_sentence(
    house: House, body: bytes, sentence: str
) -> None:
    answer = house.call("POST", PATH, content=body)

    assert (400, "invalid_request", sentence) == (
        answer.status_code,
        answer.json()["code"],
        answer.json()["detail"],
    )
    assert [] == house.fleet.commands


def test_what_is_wide_is_not_deep(house: House) -> None:
    rows = ",".join('[{"text":"x"}]' for _ in range(200))
    body = f'{{"chat_id":42,"text":"hi","reply_markup":{{"keyboard":[{rows}]}}}}'.encode()

    assert 200 == house.call("POST", PATH, content=body).status_code


def test_sixty_four_levels_are_enough_for_anybody(house: House) -> None:
    body = b'{"chat_id":42,"text":"hi","entities":' + b"[" * 63 + b"]" * 63 + b"}"

    assert 200 == house.call("POST", PATH, content=body).status_code


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/api/bots", b"", 'The body needs the field "token".'),
        ("/api/bots", b"{}", 'The body needs the field "token".'),
        ("/api/bots", b'{"token":7}', '"token" must be a string, not an integer.'),
        ("/api/bots", b'{"token":null}', '"token" must be a string, not null.'),
        ("/api/bots", b'{"token":"x","tokn":"y"}', 'There is no field "tokn" here.'),
        ("/api/bots", b'{"7000000001:AAHexamplesAreNotSecretsAtAll_0123456":1}', 'There is no field "<token>" here.'),
        ("/api/bots", b'{"a\\nb":1}', 'There is no field "\u2026" here.'),
        ("/api/bots", b"[]", "The body must be an object, not a list."),
        ("/api/bots", b"{", NOT_JSON),
        ("/api/bots", b'{"token":' + b"[" * 100_000, '"token" must be a string, not a list.'),
        ("/api/keys", b'{"scopes":"tenant"}', '"scopes" must be a list or null, not a string.'),
        ("/api/keys", b'{"scopes":[1]}', '"scopes[0]" must be a string, not an integer.'),
        ("/api/keys", b'{"scopes":[]}', '"scopes" must be a list of some of tenant, analyst, admin.'),
        ("/api/keys", b'{"scopes":["root"]}', '"scopes" must be a list of some of tenant, analyst, admin.'),
        ("/api/keys", b'{"label":"a\\nb"}', '"label" must be one line of at most 100 characters.'),
        ("/auth/register", b'{"name":"  "}', '"name" must not be empty.'),
        ("/auth/register", b'{"name":"' + b"x" * 101 + b'"}', '"name" must be one line of at most 100 characters.'),
        (
            f"/api/bots/{BOT_ID}/suspend",
            b'{"reason":"' + b"x" * 201 + b'"}',
            '"reason" must be one line of at most 200 characters.',
        ),
    ],
)
def test_a_field_that_is_wrong_is_named(house: House, path: str, body: bytes, sentence: str) -> None:
    answer = house.call("POST", path, content=body)

    assert (400, "invalid_request", sentence) == (answer.status_code, answer.json()["code"], answer.json()["detail"])


@pytest.mark.parametrize("path", [PATH, "/api/bots", "/api/keys"])
def test_a_body_that_is_declared_too_large_is_not_read(house: House, path: str) -> None:
    conversation = Conversation(house, "POST", path, a_hundred_megabytes(), headers={"Content-Length": str(100 * MIB)})
    house.client.loop.run(conversation.held())

    assert (413, "close") == (conversation.status, conversation.headers["connection"])
    assert b"body_too_large" in conversation.body
    assert conversation.received < 6 * MIB


@pytest.mark.parametrize("path", [PATH, "/api/bots", "/api/keys"])
def test_a_body_that_turns_out_too_large_is_not_read_to_its_end(house: House, path: str) -> None:
    conversation = Conversation(house, "POST", path, a_hundred_megabytes())
    house.client.loop.run(conversation.held())

    assert (413, "close") == (conversation.status, conversation.headers["connection"])
    assert conversation.received < 6 * MIB


def test_the_answer_is_out_before_the_rest_is_listened_to(house: House) -> None:
    conversation = Conversation(house, "POST", PATH, a_hundred_megabytes())
    house.client.loop.run(conversation.held())
    start, body, end = conversation.sent

    assert int(conversation.headers["content-length"]) == len(body["body"])
    assert (True, b"") == (body["more_body"], end["body"])
    assert 413 == start["status"]


def test_a_number_of_bytes_that_nobody_can_count_is_too_large(house: House) -> None:
    conversation = Conversation(house, "POST", PATH, [b"{}"], headers={"Content-Length": "9" * 5000})
    house.client.loop.run(conversation.held())

    assert 413 == conversation.status


def test_a_body_of_just_the_size_is_taken_and_one_byte_more_is_not(house: House) -> None:
    frame = b'{"chat_id":42,"text":""}'
    just = frame[:-2] + b"x" * (MIB - len(frame)) + frame[-2:]
    more = just.replace(b"42", b"421")

    assert 200 == house.call("POST", PATH, content=just).status_code
    assert 413 == house.call("POST", PATH, content=more).status_code
    assert "A body may have 1048576 bytes; yours has more." == house.call("POST", PATH, content=more).json()["detail"]


def a_hundred_megabytes() -> Iterator[bytes]:
    return (b"x" * 65536 for _ in range(1600))


def test_a_body_of_named_fields_may_be_no_deeper_than_any_other(house: House) -> None:
    policy: dict[str, object] = {}
    for _ in range(70):
        policy = {"a": policy}
    body = {"from": "2026-07-01T00:00:00Z", "to": "2026-07-01T01:00:00Z", "policy": policy}
    answer = house.call("POST", "/api/whatif", body)

    assert (400, "The body is nested more than 64 levels deep.") == (answer.status_code, answer.json()["detail"])


def test_an_update_may_not_be_bottomless_either(house: House) -> None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": "secret"}
    answer = house.call("POST", "/webhook/opaque", key="", headers=headers, content=b'{"a":' * 100_000)

    assert 400 == answer.status_code
