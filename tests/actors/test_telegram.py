"""The way to Telegram, against a server that misbehaves on the wire: what trouble is called, and what is certain."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from actors import telegram as module
from actors.ports import Upload
from actors.telegram import Telegram
from domain.failure import Answer, Category, Delivered, Failure
from ops.sandbox import server
from ops.sandbox.client import SandboxClient
from tests.actors.waiting import SOON_S, until
from tests.certificates import self_signed
from tests.examples import BOT_ID, a_token

HELLO = {"chat_id": 42, "text": "hello"}
CERTAIN, PERHAPS = True, False


class Wire:
    """A sandbox, and our way to it."""

    def __init__(self, base_url: str, telegram: Telegram) -> None:
        self.base_url, self.telegram = base_url, telegram
        self._control = SandboxClient(base_url)

    async def control(self, call: Callable[[SandboxClient], Any]) -> Any:
        return await asyncio.to_thread(call, self._control)

    async def arrived(self, how_many: int) -> None:
        async with asyncio.timeout(SOON_S):
            while len(await self.control(lambda sandbox: sandbox.calls(BOT_ID))) < how_many:
                pass

    async def send(self, timeout_s: float = SOON_S) -> Answer:
        return await self.telegram.ask(a_token(), "sendMessage", HELLO, timeout_s)


@asynccontextmanager
async def a_way_to(base_url: str, max_connections: int = 10) -> AsyncIterator[Telegram]:
    telegram = Telegram(base_url, max_connections)
    try:
        yield telegram
    finally:
        await telegram.close()


def on_the_wire(story: Callable[[Wire], Awaitable[None]], max_connections: int = 10) -> None:
    async def told() -> None:
        async with (
            server.running(is_open=True) as base_url,
            a_way_to(base_url, max_connections) as telegram,
        ):
            await story(Wire(base_url, telegram))

    asyncio.run(told())


def failure_of(answer: Answer) -> Failure:
    assert isinstance(answer, Failure), answer
    assert a_token().reveal() not in repr(answer)
    return answer


def test_an_answer_comes_as_the_bytes_that_telegram_sent() -> None:
    async def story(wire: Wire) -> None:
        answer = await wire.telegram.ask(a_token(), "getMe", {}, SOON_S)

        assert isinstance(answer, Delivered)
        assert f'"id":{BOT_ID}'.encode() in answer.result

    on_the_wire(story)


def test_parameters_arrive_as_they_are() -> None:
    async def story(wire: Wire) -> None:
        text = 'snow ☃ & <b>, \u0000 and a quote: "'
        answer = await wire.telegram.ask(a_token(), "sendMessage", {"chat_id": 42, "text": text}, SOON_S)

        assert isinstance(answer, Delivered)
        assert [text] == await wire.control(lambda sandbox: sandbox.texts(BOT_ID))

    on_the_wire(story)


@pytest.mark.parametrize(
    ("kind", "details", "category", "code", "certain"),
    [
        ("status", {"status": 400}, Category.PERMANENT, 400, CERTAIN),
        ("status", {"status": 401}, Category.UNAUTHORIZED, 401, CERTAIN),
        ("status", {"status": 403}, Category.PERMANENT, 403, CERTAIN),
        ("status", {"status": 404}, Category.PERMANENT, 404, CERTAIN),
        ("status", {"status": 409}, Category.UNKNOWN, 409, PERHAPS),
        ("status", {"status": 500, "description": "Internal Server Error"}, Category.SERVER_ERROR, 500, PERHAPS),
        (
            "status",
            {"status": 500, "description": "Internal Server Error: restart"},
            Category.SERVER_ERROR,
            500,
            CERTAIN,
        ),
        ("status", {"status": 502}, Category.AMBIGUOUS, 502, PERHAPS),
        ("status", {"status": 504}, Category.AMBIGUOUS, 504, PERHAPS),
        ("flood", {"retry_after": 7}, Category.RATE_LIMIT, 429, CERTAIN),
        ("flood", {"retry_after": 7, "with_parameters": False}, Category.RATE_LIMIT, 429, CERTAIN),
        ("close_before", {}, Category.AMBIGUOUS, None, PERHAPS),
        ("close_after", {}, Category.AMBIGUOUS, None, PERHAPS),
        ("reset_before", {}, Category.AMBIGUOUS, None, PERHAPS),
        ("reset_after", {}, Category.AMBIGUOUS, None, PERHAPS),
        ("hang_before", {}, Category.AMBIGUOUS, None, PERHAPS),
        ("hang_after", {}, Category.AMBIGUOUS, None, PERHAPS),
        ("malformed", {}, Category.AMBIGUOUS, None, PERHAPS),
        ("truncated", {}, Category.AMBIGUOUS, None, PERHAPS),
        ("html", {}, Category.AMBIGUOUS, None, PERHAPS),
        ("lost_ok", {}, Category.AMBIGUOUS, 502, PERHAPS),
    ],
)
@pytest.mark.parametrize("is_first_on_its_connection", [True, False], ids=["new connection", "used connection"])
def test_each_trouble_has_its_name_and_what_is_certain_was_not_executed(
    kind: str,
    details: dict[str, object],
    category: Category,
    code: int | None,
    certain: bool,
    is_first_on_its_connection: bool,
) -> None:
    async def story(wire: Wire) -> None:
        if not is_first_on_its_connection:
            await wire.telegram.ask(a_token(), "getMe", {}, SOON_S)
        await wire.control(lambda sandbox: sandbox.fault(kind, method="sendMessage", **details))
        failure = failure_of(await wire.send(0.1 if kind.startswith("hang") else SOON_S))

        assert (category, code, certain) == (failure.category, failure.code, failure.certain)
        if kind == "flood":
            assert 7 == failure.retry_after_s
        if certain:
            assert 0 == await wire.control(lambda sandbox: sandbox.sent(BOT_ID))
        assert isinstance(await wire.send(), Delivered)
        assert 2 == len(await wire.control(lambda sandbox: sandbox.calls(BOT_ID, "sendMessage")))

    on_the_wire(story)


def test_a_group_that_has_moved_names_its_new_place() -> None:
    async def story(wire: Wire) -> None:
        await wire.telegram.ask(a_token(), "getMe", {}, SOON_S)
        await wire.control(lambda sandbox: sandbox.set_chat(-5, {"migrated_to": -1005}, bot_id=BOT_ID))
        failure = failure_of(
            await wire.telegram.ask(a_token(), "sendMessage", {"chat_id": -5, "text": "hello"}, SOON_S)
        )

        assert (Category.MIGRATED, -1005) == (failure.category, failure.migrate_to)

    on_the_wire(story)


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 20)

    async def story(wire: Wire) -> None:
        failure = failure_of(await wire.send())

        assert (Category.AMBIGUOUS, PERHAPS) == (failure.category, failure.certain)

    on_the_wire(story)


# Where no connection comes about, nothing has left


def reached(base_url: str) -> Failure:
    async def told() -> Answer:
        async with a_way_to(base_url) as telegram:
            return await telegram.ask(a_token(), "sendMessage", HELLO, SOON_S)

    failure = failure_of(asyncio.run(told()))
    assert (Category.UNREACHABLE, CERTAIN) == (failure.category, failure.certain)
    return failure


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        assert reached(f"http://127.0.0.1:{port}").description.startswith("no connection")


def test_a_host_that_does_not_exist_is_unreachable() -> None:
    assert "the host name was not found" == reached("https://nobody.invalid").description


def test_a_base_address_that_is_none_is_unreachable() -> None:
    assert reached("telegram, please").description.startswith("no connection")


def test_a_server_that_speaks_no_tls_is_unreachable() -> None:
    async def story(wire: Wire) -> None:
        async with a_way_to(wire.base_url.replace("http:", "https:")) as telegram:
            failure = failure_of(await telegram.ask(a_token(), "sendMessage", HELLO, SOON_S))

        assert (Category.UNREACHABLE, CERTAIN) == (failure.category, failure.certain)
        assert [] == await wire.control(lambda sandbox: sandbox.calls())

    on_the_wire(story)


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    async def told() -> Answer:
        listener = await asyncio.start_server(
            lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=a_server_s_context(tmp_path)
        )
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            async with a_way_to(f"https://127.0.0.1:{port}") as telegram:
                return await telegram.ask(a_token(), "sendMessage", HELLO, SOON_S)

    failure = failure_of(asyncio.run(told()))
    assert ("the certificate was not accepted", CERTAIN) == (failure.description, failure.certain)


def a_server_s_context(directory: Path) -> ssl.SSLContext:
    path = directory / "nobody.pem"
    path.write_bytes(b"".join(self_signed()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_file_among_the_parameters_leaves_as_one() -> None:
    async def story(wire: Wire) -> None:
        wanted = {
            "url": "https://bots.example.com/x",
            "allowed_updates": ["poll"],
            "max_connections": 7,
            "certificate": Upload("certificate.pem", b"-----BEGIN CERTIFICATE-----"),
        }
        answer = await wire.telegram.ask(a_token(), "setWebhook", wanted, SOON_S)
        info = await wire.telegram.ask(a_token(), "getWebhookInfo", {}, SOON_S)

        assert isinstance(answer, Delivered)
        assert isinstance(info, Delivered)
        assert {
            "url": "https://bots.example.com/x",
            "has_custom_certificate": True,
            "pending_update_count": 0,
            "max_connections": 7,
            "allowed_updates": ["poll"],
        } == msgspec.json.decode(info.result)

    on_the_wire(story)


def test_a_call_that_waits_for_a_connection_until_its_time_is_over_has_not_left() -> None:
    async def story(wire: Wire) -> None:
        await wire.control(lambda sandbox: sandbox.fault("hang_before", method="sendMessage"))
        hanging = asyncio.ensure_future(wire.send(SOON_S))
        await wire.arrived(1)
        failure = failure_of(await wire.send(0.05))
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)

        assert (Category.UNREACHABLE, CERTAIN) == (failure.category, failure.certain)
        assert 1 == len(await wire.control(lambda sandbox: sandbox.calls(BOT_ID)))

    on_the_wire(story, max_connections=1)


# The fleet's one session


def test_no_more_connections_are_open_than_there_may_be() -> None:
    async def story(wire: Wire) -> None:
        await wire.control(lambda sandbox: sandbox.fault("latency", latency_ms=5, times=None))
        answers = await asyncio.gather(*(wire.send() for _ in range(20)))
        stats = await wire.control(lambda sandbox: sandbox.stats())

        assert {Delivered} == {type(answer) for answer in answers}
        assert 3 == stats["in_flight_peak"]
        # The control face has connections of its own.
        assert stats["connections_peak"] <= 5

    on_the_wire(story, max_connections=3)


def test_a_call_beside_the_mailbox_is_answered_once() -> None:
    async def story(wire: Wire) -> None:
        answers: list[Answer] = []
        wire.telegram.call(a_token(), "sendMessage", HELLO, SOON_S, answers.append)
        assert [] == answers
        await until(lambda: answers)

        assert [Delivered] == [type(answer) for answer in answers]

    on_the_wire(story)


def test_calls_that_are_out_when_it_closes_come_back_as_lost_once() -> None:
    async def story(wire: Wire) -> None:
        answers: list[Answer] = []
        await wire.control(lambda sandbox: sandbox.fault("hang_before", times=None))
        for _ in range(3):
            wire.telegram.call(a_token(), "sendMessage", HELLO, SOON_S, answers.append)
        await wire.arrived(3)
        await wire.telegram.close()
        await wire.telegram.close()
        await until(lambda: len(answers) == 3)

        assert {Category.AMBIGUOUS} == {failure_of(answer).category for answer in answers}

    on_the_wire(story)


def test_whoever_waits_for_an_answer_when_it_closes_hears_that_this_was_our_doing() -> None:
    async def story(wire: Wire) -> None:
        await wire.control(lambda sandbox: sandbox.fault("hang_before", times=None))
        asking = asyncio.ensure_future(wire.send())
        await wire.arrived(1)
        await wire.telegram.close()
        failure = failure_of(await asyncio.wait_for(asking, SOON_S))

        assert (Category.AMBIGUOUS, "connection lost: the gateway is stopping") == (
            failure.category,
            failure.description,
        )

    on_the_wire(story)


def test_whoever_asks_after_it_has_closed_hears_that_nothing_left_and_nobody_logs_an_error() -> None:
    async def story(wire: Wire) -> None:
        answers: list[Answer] = []
        await wire.telegram.close()
        with capture_logs() as logs:
            answers.append(await wire.send())
            wire.telegram.call(a_token(), "sendMessage", HELLO, SOON_S, answers.append)
            await until(lambda: len(answers) == 2)

        told = [(failure_of(answer).category, failure_of(answer).certain) for answer in answers]
        assert [(Category.UNREACHABLE, CERTAIN)] * 2 == told
        assert [] == logs

    on_the_wire(story)


@pytest.mark.filterwarnings("ignore:Unclosed")
def test_a_way_to_telegram_that_is_forgotten_unclosed_says_so() -> None:
    def forgotten() -> None:
        Telegram("http://127.0.0.1:9", 1)
        gc.collect()

    async def told() -> None:
        # aiohttp tells the loop too.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        with pytest.warns(ResourceWarning, match="a Telegram session was not closed"):
            forgotten()

    asyncio.run(told())
