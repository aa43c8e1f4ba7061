"""Delivery to a real receiver: retries, order, answers in the body, and what is told about failures."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ops.sandbox.client import NewBot, SandboxClient
from ops.sandbox.delivery import PAUSE_S_MAX, pause_s, queue_of

Ask = Callable[..., Any]
Eventually = Callable[[Callable[[], Any]], None]

SOON = 10


class Receiver:
    """Takes what is delivered; answers with the scripted statuses first, then with 200."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.statuses: list[int] = []
        self.answer = b""
        self.received: queue.Queue[tuple[dict[str, Any], str | None]] = queue.Queue()
        self.may_answer: dict[int, threading.Event] = {}

    def text(self) -> str:
        return self.received.get(timeout=SOON)[0]["message"]["text"]


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            update = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            receiver.received.put((update, self.headers["X-Telegram-Bot-Api-Secret-Token"]))
            gate = receiver.may_answer.get(update["message"]["chat"]["id"])
            if gate is not None:
                gate.wait(SOON)
            self.send_response(status)
            self.send_header("Content-Length", str(len(receiver.answer)))
            self.end_headers()
            self.wfile.write(receiver.answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver(ask: Ask) -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver
        ask("deleteWebhook", drop_pending_updates=True)


def test_an_update_is_brought_with_the_secret(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, receiver: Receiver
) -> None:
    ask("setWebhook", url=receiver.url, secret_token="s3cret_-")
    sandbox.say(bot.bot_id, 5, "hi")
    update, secret = receiver.received.get(timeout=SOON)

    assert "hi" == update["message"]["text"]
    assert "s3cret_-" == secret


def test_what_waited_before_the_webhook_is_brought_too(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, receiver: Receiver
) -> None:
    sandbox.say(bot.bot_id, 5, "early")
    ask("setWebhook", url=receiver.url)

    assert "early" == receiver.text()


def test_what_waited_may_be_dropped(ask: Ask, sandbox: SandboxClient, bot: NewBot, receiver: Receiver) -> None:
    sandbox.say(bot.bot_id, 5, "early")
    ask("setWebhook", url=receiver.url, drop_pending_updates=True)
    sandbox.say(bot.bot_id, 5, "late")

    assert "late" == receiver.text()


def test_an_update_is_brought_until_it_is_taken_and_the_next_of_its_chat_waits(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.statuses = [500, 302, 404]
    ask("setWebhook", url=receiver.url)
    sandbox.say(bot.bot_id, 5, "first")
    sandbox.say(bot.bot_id, 5, "second")

    assert ["first"] * 4 + ["second"] == [receiver.text() for _ in range(5)]
    eventually(lambda: 0 == ask("getWebhookInfo").result["pending_update_count"])
    info = ask("getWebhookInfo").result
    assert "Wrong response from the webhook: 404 Not Found" == info["last_error_message"]
    assert info["last_error_date"] > 0


def test_chats_do_not_wait_for_each_other(ask: Ask, sandbox: SandboxClient, bot: NewBot, receiver: Receiver) -> None:
    receiver.may_answer[5] = threading.Event()
    ask("setWebhook", url=receiver.url)
    sandbox.say(bot.bot_id, 5, "slow")
    sandbox.say(bot.bot_id, 6, "quick")

    assert {"slow", "quick"} == {receiver.text(), receiver.text()}
    receiver.may_answer[5].set()


def test_no_more_connections_than_allowed(ask: Ask, sandbox: SandboxClient, bot: NewBot, receiver: Receiver) -> None:
    receiver.may_answer[5] = threading.Event()
    ask("setWebhook", url=receiver.url, max_connections=1)
    sandbox.say(bot.bot_id, 5, "slow")

    assert "slow" == receiver.text()
    sandbox.say(bot.bot_id, 6, "quick")
    assert 2 == ask("getWebhookInfo").result["pending_update_count"]
    assert receiver.received.empty()
    receiver.may_answer[5].set()
    assert "quick" == receiver.text()


def test_a_call_in_the_answer_is_executed(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.answer = b'{"method": "sendMessage", "chat_id": 5, "text": "from the answer"}'
    ask("setWebhook", url=receiver.url)
    sandbox.say(bot.bot_id, 5, "hi")

    eventually(lambda: sandbox.texts(bot.bot_id))
    eventually(lambda: 0 == ask("getWebhookInfo").result["pending_update_count"])

    assert ["from the answer"] == sandbox.texts(bot.bot_id)


def test_some_calls_in_an_answer_are_passed_over(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.answer = b'{"method": "deleteWebhook"}'
    ask("setWebhook", url=receiver.url)
    sandbox.say(bot.bot_id, 5, "hi")
    eventually(lambda: 0 == ask("getWebhookInfo").result["pending_update_count"])

    assert receiver.url == ask("getWebhookInfo").result["url"]


def test_a_receiver_that_is_not_there_is_told_in_the_info(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, eventually: Eventually
) -> None:
    with receiving() as gone:
        url = gone.url
    ask("setWebhook", url=url)
    sandbox.say(bot.bot_id, 5, "hi")

    eventually(lambda: "Connection refused" == ask("getWebhookInfo").result.get("last_error_message"))
    ask("deleteWebhook")
    assert {"url": "", "has_custom_certificate": False, "pending_update_count": 1} == ask("getWebhookInfo").result


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"url": "http://example.org/"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        (
            {"url": "https://example.org:8080/"},
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        ({"url": "https://example.org:x/"}, "bad webhook: URL is invalid"),
        ({"url": "https://example.org/", "secret_token": "ä"}, "secret token contains unallowed characters"),
        ({"url": "https://example.org/", "secret_token": "a" * 257}, "secret token is too long"),
    ],
)
def test_a_webhook_that_telegram_would_not_take_is_refused(ask: Ask, params: dict[str, str], description: str) -> None:
    assert f"Bad Request: {description}" == ask("setWebhook", **params).description


def test_the_first_retry_is_made_at_once_and_the_pauses_then_double_up_to_a_bound() -> None:
    assert [0, 2, 4, 8, 16, 32, 60] == [pause_s(failures, 2) for failures in range(1, 8)]
    assert PAUSE_S_MAX == pause_s(100, 2)


@pytest.mark.parametrize(
    ("update", "queue"),
    [
        ({"message": {"chat": {"id": 5}, "from": {"id": 6}}}, 5),
        ({"callback_query": {"message": {"chat": {"id": 5}}, "from": {"id": 6}}}, 5),
        ({"inline_query": {"from": {"id": 6}}}, 6),
        ({"poll": {"id": "1"}}, None),
    ],
)
def test_an_update_stays_in_order_with_those_of_its_chat_or_its_user(update: dict[str, Any], queue: int | None) -> None:
    assert queue == queue_of({"update_id": 1, **update})
