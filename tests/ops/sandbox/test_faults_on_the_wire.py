"""Each fault as a caller meets it, and whether the call took effect behind it."""

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from ops.sandbox.client import NewBot, SandboxClient

Ask = Callable[..., Any]
Eventually = Callable[[Callable[[], Any]], None]


@pytest.mark.parametrize(
    ("kind", "happens"),
    [
        ("close_before", http.client.RemoteDisconnected),
        ("close_after", http.client.RemoteDisconnected),
        ("reset_before", ConnectionResetError),
        ("reset_after", ConnectionResetError),
        ("truncated", http.client.IncompleteRead),
        ("hang_before", TimeoutError),
        ("hang_after", TimeoutError),
        ("malformed", json.JSONDecodeError),
    ],
)
def test_a_fault_spoils_the_answer_and_only_some_take_the_effect_with_it(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, kind: str, happens: type[Exception]
) -> None:
    sandbox.fault(kind, bot_id=bot.bot_id)
    with pytest.raises((happens, OSError)) as raised:
        ask("sendMessage", chat_id=5, text="x", within_s=0.3)
    cause = getattr(raised.value, "reason", raised.value)

    assert isinstance(cause, happens)
    assert ([] if kind.endswith("_before") else ["x"]) == sandbox.texts(bot.bot_id)
    assert kind == sandbox.calls(bot.bot_id)[0]["fault"]
    assert 200 == ask("sendMessage", chat_id=5, text="y").status


def test_a_message_that_took_effect_stays_in_the_chat_though_its_answer_was_lost(
    ask: Ask, sandbox: SandboxClient, bot: NewBot
) -> None:
    sandbox.fault("lost_ok", bot_id=bot.bot_id)
    answer = ask("sendMessage", chat_id=5, text="x")

    assert 502 == answer.status
    assert "<title>502 Bad Gateway</title>" in answer.body
    assert ["x"] == sandbox.texts(bot.bot_id)
    assert [(502, True)] == [(call["status"], call["effect"]) for call in sandbox.calls(bot.bot_id)]


def test_a_page_of_html_with_status_200_hides_a_message_that_was_sent(
    ask: Ask, sandbox: SandboxClient, bot: NewBot
) -> None:
    sandbox.fault("html", bot_id=bot.bot_id)
    answer = ask("sendMessage", chat_id=5, text="x")

    assert 200 == answer.status
    assert answer.body.startswith("<html>")
    assert ["x"] == sandbox.texts(bot.bot_id)


@pytest.mark.parametrize(
    ("status", "description"),
    [
        (401, "Unauthorized"),
        (403, "Forbidden: bot was blocked by the user"),
        (413, "Request Entity Too Large"),
        (500, "Internal Server Error: restart"),
    ],
)
def test_a_status_comes_with_its_usual_sentence_and_without_effect(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, status: int, description: str
) -> None:
    sandbox.fault("status", status=status, bot_id=bot.bot_id)
    answer = ask("sendMessage", chat_id=5, text="x")

    assert (status, {"ok": False, "error_code": status, "description": description}) == (answer.status, answer.body)
    assert [] == sandbox.texts(bot.bot_id)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_the_server_in_front_of_telegram_speaks_html(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, status: int
) -> None:
    sandbox.fault("status", status=status, bot_id=bot.bot_id)
    answer = ask("sendMessage", chat_id=5, text="x")

    assert (status, "text/html") == (answer.status, answer.headers["Content-Type"])
    assert [] == sandbox.texts(bot.bot_id)


def test_a_flood_says_how_long_to_wait_in_words_in_parameters_and_in_a_header(
    ask: Ask, sandbox: SandboxClient, bot: NewBot
) -> None:
    sandbox.fault("flood", retry_after=7, bot_id=bot.bot_id)
    answer = ask("sendMessage", chat_id=5, text="x")

    assert 429 == answer.status
    assert "Too Many Requests: retry after 7" == answer.description
    assert {"retry_after": 7} == answer.body["parameters"]
    assert "7" == answer.headers["Retry-After"]


def test_a_flood_may_leave_its_parameters_out(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    sandbox.fault("flood", retry_after=7, with_parameters=False, bot_id=bot.bot_id)

    assert "parameters" not in ask("sendMessage", chat_id=5, text="x").body


def test_a_description_may_be_any(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    sandbox.fault("status", status=400, description="Bad Request: something new", bot_id=bot.bot_id)

    assert "Bad Request: something new" == ask("sendMessage", chat_id=5, text="x").description


def test_a_slow_call_is_answered_in_the_end(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    sandbox.fault("latency", latency_ms=60, bot_id=bot.bot_id)
    with pytest.raises(TimeoutError):
        ask("sendMessage", chat_id=5, text="left early", within_s=0.02)
    sandbox.fault("latency", latency_ms=1, bot_id=bot.bot_id)

    assert 200 == ask("sendMessage", chat_id=5, text="waited").status


def test_a_slow_call_takes_effect_though_its_caller_left(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, eventually: Eventually
) -> None:
    sandbox.fault("latency", latency_ms=60, bot_id=bot.bot_id)
    with pytest.raises(TimeoutError):
        ask("sendMessage", chat_id=5, text="left early", within_s=0.02)

    eventually(lambda: ["left early"] == sandbox.texts(bot.bot_id))


def test_a_hanging_call_is_in_flight_until_its_caller_leaves(
    sandbox: SandboxClient, bot: NewBot, eventually: Eventually
) -> None:
    sandbox.fault("hang_before", bot_id=bot.bot_id)
    port = int(sandbox.base_url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET /bot{bot.token}/getMe HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        eventually(lambda: 1 == sandbox.stats()["in_flight"])
        while_it_waits = [sandbox.stats()["in_flight"] for _ in range(5)]
    eventually(lambda: 0 == sandbox.stats()["in_flight"])

    assert [1] * 5 == while_it_waits
