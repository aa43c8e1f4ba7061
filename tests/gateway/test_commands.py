"""`POST /api/bots/{bot_id}/commands/{method}`: what goes in, and what its caller is told."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pykka
import pytest

from actors.runtime import InboxFull
from domain.failure import Category, Final
from domain.refusal import Refused
from gateway.routes import commands
from tests.examples import BOT_ID, NOON
from tests.gateway.asgi import Conversation
from tests.gateway.fakes import HELLO, House, an_outcome, delivered

PATH = f"/api/bots/{BOT_ID}/commands/sendMessage"


def test_a_delivered_command_answers_with_telegram_s_own_result(house: House) -> None:
    answer = house.send()

    assert 200 == answer.status_code
    assert {
        "command_id": house.fleet.commands[0].command_id,
        "outcome": "delivered",
        "result": {"message_id": 7, "chat": {"id": 42}, "text": "hello"},
        "attempts": 1,
        "queue_ms": 0.5,
        "telegram_ms": 41.0,
        "position": house.runner.position("commands"),
    } == answer.json() | {"position": house.runner.position("commands")}
    assert answer.json()["command_id"] == answer.headers["Botloft-Command-Id"]
    assert str(answer.json()["position"]) == answer.headers["Botloft-Position"]


def test_what_the_fleet_is_asked_is_what_the_caller_wants(house: House) -> None:
    house.send({"chat_id": -100200, "text": "hi"}, headers={"X-Deadline-S": "2.5", "X-On-Uncertain": "retry"})
    command = house.fleet.commands[0]

    assert (BOT_ID, "acme", "sendMessage", "-100200") == (
        command.bot_id,
        command.tenant_id,
        command.method,
        command.chat,
    )
    assert {"chat_id": -100200, "text": "hi"} == command.parameters
    assert (NOON, 2.5, True) == (command.received_at, command.deadline_s, command.retry_uncertain)
    assert 7 == uuid.UUID(command.command_id).version


def test_without_wishes_the_settings_hold(house: House) -> None:
    house.send()

    assert (30.0, False) == (house.fleet.commands[0].deadline_s, house.fleet.commands[0].retry_uncertain)


def test_a_method_s_name_is_found_whatever_its_case(house: House) -> None:
    house.call("POST", f"/api/bots/{BOT_ID}/commands/SENDMESSAGE", HELLO)

    assert "sendMessage" == house.fleet.commands[0].method


def test_an_empty_body_is_an_empty_object(house: House) -> None:
    answer = house.call("POST", f"/api/bots/{BOT_ID}/commands/getMe")

    assert 200 == answer.status_code
    assert {} == house.fleet.commands[0].parameters
    assert house.fleet.commands[0].chat is None


@pytest.mark.parametrize(
    ("chat_id", "chat"),
    [
        (42, "42"),
        ("42", "42"),
        ("0042", "42"),
        ("-1001234567890", "-1001234567890"),
        ("@News", "@news"),
        ("1" * 33, "1" * 33),
        ("7000000001:AAHexamplesAreNotSecretsAtAll_0123456", "<token>"),
    ],
)
def test_a_chat_has_one_spelling(house: House, chat_id: object, chat: str) -> None:
    house.send({"chat_id": chat_id, "text": "hello"})

    assert chat == house.fleet.commands[0].chat


def test_a_chat_that_is_too_long_to_be_one_is_refused(house: House) -> None:
    answer = house.send({"chat_id": "@" + "a" * 64, "text": "hello"})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert [] == house.fleet.commands


@pytest.mark.parametrize("wish", ["", "0", "0.05", "-1", "nan", "inf", "1e3", "3601", "soon", "1_0", "٣"])
def test_a_deadline_that_cannot_be_one_is_refused(house: House, wish: str) -> None:
    answer = house.send(headers={"X-Deadline-S": wish.encode()})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert answer.json()["detail"] == "X-Deadline-S must be seconds, from 0.1 to 3600."
    assert [] == house.fleet.commands


@pytest.mark.parametrize("wish", ["0.1", "1", "30.25", "3600"])
def test_a_deadline_within_its_bounds_is_kept(house: House, wish: str) -> None:
    house.send(headers={"X-Deadline-S": wish})

    assert float(wish) == house.fleet.commands[0].deadline_s


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"X-On-Uncertain": "maybe"}, 'X-On-Uncertain must be "report" or "retry".'),
        (
            {"Content-Type": "multipart/form-data; boundary=x"},
            "Files are not accepted yet: send the parameters as one JSON object.",
        ),
        (
            {"Idempotency-Key": "two words"},
            "Idempotency-Key must be 1 to 255 printable ASCII characters without spaces.",
        ),
        ({"Prefer": "wait=soon"}, "Prefer: wait must be seconds, at most 300."),
    ],
)
def test_a_wish_that_would_be_ignored_is_refused(house: House, headers: dict[str, str], sentence: str) -> None:
    answer = house.send(headers=headers)

    assert (400, sentence) == (answer.status_code, answer.json()["detail"])
    assert [] == house.fleet.commands


def test_the_content_type_does_not_matter(house: House) -> None:
    answer = house.call("POST", PATH, content=b'{"chat_id":42,"text":"hi"}', headers={"Content-Type": "text/plain"})

    assert 200 == answer.status_code


@pytest.mark.parametrize(
    ("path", "parameters", "status", "code", "sentence"),
    [
        (
            "sendMesage",
            HELLO,
            404,
            "unknown_method",
            'The Bot API has no method "sendMesage"; did you mean "sendMessage"?',
        ),
        (
            "getUpdates",
            {},
            422,
            "method_refused",
            "getUpdates is not a command here: the gateway sees to a bot's updates: "
            'PATCH /api/bots/{bot_id} with {"updates": …}.',
        ),
        ("sendMessage", {"text": "hi"}, 400, "invalid_request", 'sendMessage needs the parameter "chat_id".'),
        (
            "sendMessage",
            {"chat_id": 42, "text": 7},
            400,
            "invalid_request",
            '"text" of sendMessage must be a string, not an integer.',
        ),
        (
            "sendMessage",
            {**HELLO, "txt": "hi"},
            400,
            "invalid_request",
            'sendMessage has no parameter "txt"; did you mean "text"?',
        ),
    ],
)
def test_what_telegram_could_not_take_never_leaves(
    house: House, path: str, parameters: object, status: int, code: str, sentence: str
) -> None:
    answer = house.call("POST", f"/api/bots/{BOT_ID}/commands/{path}", parameters)

    assert (status, code, sentence) == (answer.status_code, answer.json()["code"], answer.json()["detail"])
    assert [] == house.fleet.commands


# One row an outcome: the final, its code and category, then the status, the Retry-After header, what the sentence says.
OUTCOMES: list[tuple[dict[str, Any], int, str | None, str]] = [
    (
        {
            "final": Final.REJECTED,
            "code": "telegram_rejected",
            "category": Category.PERMANENT,
            "telegram_code": 400,
            "telegram_description": "Bad Request: chat not found",
        },
        422,
        None,
        "Telegram refused the request: Bad Request: chat not found. Correct it; the same one is refused again.",
    ),
    (
        {
            "final": Final.REJECTED,
            "code": "token_unauthorized",
            "category": Category.UNAUTHORIZED,
            "telegram_code": 401,
            "telegram_description": "Unauthorized",
        },
        409,
        None,
        "Telegram refused the bot's token: Unauthorized. Take its current token from @BotFather; "
        "PUT /api/bots/{bot_id}/token gives it to a bot that you have.",
    ),
    (
        {
            "final": Final.NOT_SENT,
            "code": "telegram_hold",
            "category": Category.RATE_LIMIT,
            "telegram_code": 429,
            "telegram_description": "Too Many Requests: retry after 3",
            "retry_after_s": 2.2,
        },
        429,
        "3",
        "Telegram asked to slow down: Too Many Requests: retry after 3. Nothing was sent. "
        "Send it again after the time in Retry-After.",
    ),
    (
        {"final": Final.NOT_SENT, "code": "rate_limited", "retry_after_s": 0.04},
        429,
        "1",
        "Nothing was sent. Send more slowly, and this one again after the time in Retry-After.",
    ),
    (
        {"final": Final.NOT_SENT, "code": "breaker_open", "retry_after_s": 59.1},
        503,
        "60",
        "Nothing was sent. It rests after repeated failures, or an operator has shut it off: "
        "GET /api/bots/{bot_id}/health shows which. Send it again after the time in Retry-After.",
    ),
    (
        {
            "final": Final.NOT_SENT,
            "code": "telegram_unreachable",
            "category": Category.UNREACHABLE,
            "telegram_description": "no connection: Connection refused",
        },
        503,
        "1",
        "No connection to Telegram came about: no connection: Connection refused. Nothing was executed. "
        "Send it again after the time in Retry-After.",
    ),
    (
        {"final": Final.NOT_SENT, "code": "deadline_exceeded"},
        503,
        "1",
        "Nothing was executed. Send it again, or give it more time with X-Deadline-S.",
    ),
    (
        {"final": Final.NOT_SENT, "code": "bot_suspended"},
        409,
        None,
        "Nothing was sent. POST /api/bots/{bot_id}/resume puts it to work again; where Telegram refuses its token, "
        "PUT /api/bots/{bot_id}/token with a new one does, and where an operator suspended it, only they can. "
        "GET /api/bots/{bot_id} says why it is.",
    ),
    (
        {"final": Final.NOT_SENT, "code": "cancelled"},
        409,
        None,
        "Nothing was sent. Send it again if it is wanted after all.",
    ),
    (
        {"final": Final.NOT_SENT, "code": "shutting_down"},
        503,
        "1",
        "Nothing was done. Send it again after a few seconds.",
    ),
    (
        {
            "final": Final.UNCERTAIN,
            "code": "delivery_uncertain",
            "category": Category.AMBIGUOUS,
            "telegram_description": "no answer in time",
        },
        504,
        None,
        "The request was sent and its answer was lost: no answer in time. It may or may not have gone out, and it was "
        "not sent again. Look into the chat, or repeat it deliberately.",
    ),
    (
        {
            "final": Final.UNCERTAIN,
            "code": "delivery_uncertain",
            "category": Category.SERVER_ERROR,
            "telegram_code": 500,
            "telegram_description": "Internal Server Error",
        },
        504,
        None,
        "Telegram reported a fault of its own: Internal Server Error. It may or may not have gone out, and it was "
        "not sent again. Look into the chat, or repeat it deliberately.",
    ),
    (
        {"final": Final.NOT_SENT, "code": "delivery_unrecorded", "position": None},
        504,
        None,
        "Nothing was executed, which could not be recorded in time. Send it again.",
    ),
]


@pytest.mark.parametrize(("outcome", "status", "retry_after", "sentence"), OUTCOMES)
def test_each_outcome_has_its_problem(
    house: House, outcome: dict[str, Any], status: int, retry_after: str | None, sentence: str
) -> None:
    house.fleet.says = an_outcome(**outcome)
    answer = house.send()
    told = answer.json()

    assert status == answer.status_code == told["status"]
    assert "application/problem+json" == answer.headers["Content-Type"]
    assert retry_after == answer.headers.get("Retry-After")
    assert sentence == told["detail"]
    assert "c1" == answer.headers["Botloft-Command-Id"]
    assert {"command_id": "c1", "attempts": 1, "outcome": outcome["final"].value, "code": outcome["code"]} == {
        name: told[name] for name in ("command_id", "attempts", "outcome", "code")
    }
    for name in ("category", "telegram_code", "telegram_description"):
        assert outcome.get(name) == told.get(name)
    assert outcome.get("position", 9) == told.get("position")


def test_a_delivery_that_could_not_be_recorded_still_hands_over_telegram_s_answer(house: House) -> None:
    house.fleet.says = delivered(code="delivery_unrecorded", position=None)
    answer = house.send()

    assert 504 == answer.status_code
    assert "delivered" == answer.json()["outcome"]
    assert {"message_id": 7, "chat": {"id": 42}, "text": "hello"} == answer.json()["result"]
    assert answer.json()["detail"].endswith("Do not send it again.")


def test_a_refusal_says_that_nothing_was_sent(house: House) -> None:
    house.fleet.says = Refused("overloaded", "This bot has as many commands waiting as it may. Send more slowly.", 1.0)
    answer = house.send()

    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
    assert ("overloaded", "not_sent", 1.0) == tuple(answer.json()[n] for n in ("code", "outcome", "retry_after_s"))


@pytest.mark.parametrize(
    ("error", "code"), [(InboxFull("full"), "overloaded"), (pykka.ActorDeadError("gone"), "shutting_down")]
)
def test_a_fleet_that_cannot_be_asked_is_a_problem_of_the_moment(house: House, error: Exception, code: str) -> None:
    house.fleet.says = error
    answer = house.send()

    assert (503, code) == (answer.status_code, answer.json()["code"])
    assert "Retry-After" in answer.headers


def test_a_command_that_nobody_answers_is_not_waited_for_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "BACKSTOP_S", -0.09)
    house.fleet.silent = True
    answer = house.send(headers={"X-Deadline-S": "0.1"})
    command_id = house.fleet.commands[0].command_id

    assert (504, "delivery_unrecorded") == (answer.status_code, answer.json()["code"])
    assert command_id == answer.json()["command_id"]
    assert f"GET /api/commands/{command_id} tells" in answer.json()["detail"]


def test_a_caller_that_hangs_up_does_not_cancel_its_command(house: House) -> None:
    house.fleet.silent = True

    async def hung_up() -> None:
        arrived = asyncio.Event()
        house.fleet.on_asked = arrived.set
        conversation = Conversation(house, "POST", PATH, [b'{"chat_id":42,"text":"hi"}'])
        request = asyncio.create_task(conversation.held())
        await arrived.wait()
        request.cancel()
        await asyncio.wait([request])

    house.client.loop.run(hung_up())

    assert not house.fleet.futures[-1].done()


def test_a_body_that_broke_off_is_not_taken_for_a_whole_one(house: House) -> None:
    conversation = Conversation(house, "POST", f"/api/bots/{BOT_ID}/commands/getMe", [], breaks_off=True)
    house.client.loop.run(conversation.held())

    assert [] == house.fleet.commands


def test_another_tenant_s_bot_is_no_bot(house: House) -> None:
    theirs = house.send(key=house.other_key)
    nobody_s = house.call("POST", "/api/bots/123/commands/sendMessage", HELLO)

    assert 404 == theirs.status_code
    assert theirs.json() == nobody_s.json()


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_command_is_posted(house: House, method: str) -> None:
    answer = house.call(method, PATH)

    assert (405, "POST, OPTIONS") == (answer.status_code, answer.headers["Allow"])
