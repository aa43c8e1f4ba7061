"""What a connection may do and what not, over real sockets: come late, send endless headers, crowd others out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from domain.rules.forwarded import networks_in
from ops.connections import Bounds, guarded
from ops.crowd import Crowd
from tests.actors.waiting import SOON_S, a_turn, until

GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n"
SHORT = Bounds(head_s=0.2, body_s=0.2, stalled_s=0.3)
STEP_S = 0.05
"""Of somebody who sends a byte now and then: often enough for any timer that each byte begins anew."""


class App:
    """Reads the body, waits until it may answer, answers."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.bodies: list[bytes] = []
        self.cut = 0
        self.length = 2

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.cut += 1
                return
            body, more = body + message["body"], message["more_body"]
        self.bodies.append(body)
        await self.may_answer.wait()
        length = str(self.length).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": b"x" * self.length})


class Line:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def says(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def drips(self, data: bytes) -> bytes:
        """One byte after the other, until the other end has had enough: what it says then."""
        heard = asyncio.ensure_future(self.hears_all())
        for n in range(len(data)):
            if heard.done():
                break
            self.writer.write(data[n : n + 1])
            await a_turn(STEP_S)
        assert heard.done(), "it listened to the end"
        return heard.result()

    async def hears(self, size: int = 65536) -> bytes:
        async with asyncio.timeout(SOON_S):
            return await self._reader.read(size)

    async def hears_answers(self, most: int) -> int:
        """How many came, of so many."""
        heard = b""
        while heard.count(b"HTTP/1.1 200") < most and (more := await self.hears()):
            heard += more
        return heard.count(b"HTTP/1.1 200")

    async def hears_all(self) -> bytes:
        heard = b""
        # Whoever still speaks when the other end has closed is reset.
        with suppress(ConnectionError):
            while more := await self.hears():
                heard += more
        return heard


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are the tests' own."""
        yield


class Dial:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._port = server.servers[0].sockets[0].getsockname()[1]
        self.lines: list[Line] = []

    async def __call__(self) -> Line:
        self.lines.append(Line(*await asyncio.open_connection("127.0.0.1", self._port)))
        return self.lines[-1]

    def stop(self) -> None:
        """The server, once it has answered what it has begun."""
        self._server.should_exit = True

    def connections(self) -> list[Any]:
        """The server's ends of the lines."""
        return list(self._server.server_state.connections)


@asynccontextmanager
async def served(app: App, bounds: Bounds = SHORT, crowd: Crowd | None = None, **config: Any) -> AsyncIterator[Dial]:
    protocol = guarded(bounds, crowd or Crowd(100, 100))
    options = {"http": protocol, "ws": "none", "lifespan": "off", "log_config": None, "access_log": False, **config}
    server = Server(uvicorn.Config(app, host="127.0.0.1", port=0, timeout_graceful_shutdown=1, **options))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    dial = Dial(server)
    try:
        yield dial
    finally:
        app.may_answer.set()
        for line in dial.lines:
            line.writer.close()
        dial.stop()
        await serving


def run(story: Callable[[App], Awaitable[None]]) -> None:
    async def told() -> None:
        await story(App())

    asyncio.run(told())


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# Time


@pytest.mark.parametrize(
    ("before", "dripped"),
    [
        pytest.param(b"", b"GET / HTTP/1.1\r\nX-Slow: " + b"x" * 200, id="headers"),
        pytest.param(b"", b"\r\n" * 100, id="empty lines"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 200\r\n\r\n", b"x" * 199, id="a body"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 40, id="chunks"
        ),
    ],
)
def test_a_request_that_drips_in_is_ended_however_steadily_it_comes(before: bytes, dripped: bytes) -> None:
    async def story(app: App) -> None:
        async with served(app) as dial:
            line = await dial()
            await line.says(before)
            answer = await line.drips(dripped)

            assert 408 == status(answer)
            assert b'"code":"request_timeout"' in answer
            assert b"connection: close" in answer
            assert [] == app.bodies

    run(story)


def test_the_second_request_of_a_connection_may_be_no_slower_than_the_first() -> None:
    async def story(app: App) -> None:
        async with served(app) as dial:
            for dripped in (GET[:-4] + b"\r\nX-Slow: " + b"x" * 200, b"\r\n" * 100):
                line = await dial()
                await line.says(GET)
                assert status(await line.hears()) == 200
                answer = await line.drips(dripped)

                assert 408 == status(answer)

    run(story)


def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    async def story(app: App) -> None:
        async with served(app) as dial:
            line = await dial()

            assert b"" == await line.hears_all()

    run(story)


def test_a_body_that_nobody_waits_for_any_more_is_not_listened_to_for_ever() -> None:
    class Hasty(App):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            del scope, receive
            await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    async def story(_: App) -> None:
        async with served(Hasty()) as dial:
            line = await dial()
            await line.says(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n")
            answer = await line.drips(b"x" * 200)

            assert (401, 1) == (status(answer), answer.count(b"HTTP/1.1"))

    run(story)


def test_a_body_that_stops_halfway_reaches_nobody_as_a_whole_one() -> None:
    async def story(app: App) -> None:
        async with served(app) as dial:
            line = await dial()
            await line.says(POST + b"xx")
            answer = await line.hears_all()
            await until(lambda: app.cut)

            assert (408, []) == (status(answer), app.bodies)

    run(story)


@pytest.mark.parametrize("request_", [GET, POST + b"hello", GET.replace(b"\r\n\r\n", b"\r\nUpgrade: h2c\r\n\r\n")])
def test_whoever_has_asked_may_wait_for_its_answer_for_as_long_as_it_takes(request_: bytes) -> None:
    async def story(app: App) -> None:
        async with served(app) as dial:
            line = await dial()
            app.may_answer.clear()
            await line.says(request_)
            await until(lambda: app.bodies)
            await a_turn(3 * SHORT.head_s)
            app.may_answer.set()

            assert 200 == status(await line.hears())

    run(story)


def test_a_body_that_we_do_not_read_is_not_late() -> None:
    class Busy(App):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.may_answer.wait()
            await super().__call__(scope, receive, send)

    async def story(_: App) -> None:
        app, body = Busy(), b"x" * 5_000_000
        async with served(app) as dial:
            line = await dial()
            app.may_answer.clear()
            line.writer.write(POST.replace(b"5", b"5000000") + body)
            await a_turn(3 * SHORT.body_s)
            app.may_answer.set()

            assert 200 == status(await line.hears())
            assert [body] == app.bodies

    run(story)


def test_a_request_may_come_in_pieces_and_the_next_after_a_while() -> None:
    async def story(app: App) -> None:
        async with served(app) as dial:
            line = await dial()
            for _ in range(3):
                for piece in (POST[:20], POST[20:], b"he", b"llo"):
                    await line.says(piece)
                    await a_turn(SHORT.head_s / 10)
                assert status(await line.hears()) == 200
                await a_turn(1.5 * SHORT.head_s)

            assert [b"hello"] * 3 == app.bodies

    run(story)


def test_pipelined_requests_are_answered_one_after_the_other() -> None:
    async def story(app: App) -> None:
        async with served(app) as dial:
            line = await dial()
            app.may_answer.clear()
            await line.says((POST + b"hello") * 4)
            await until(lambda: app.bodies)
            await a_turn(3 * SHORT.body_s)
            app.may_answer.set()
            answers = await line.hears_answers(4)

            assert ([b"hello"] * 4, 4) == (app.bodies, answers)

    run(story)


def test_an_idle_connection_is_closed_after_its_keep_alive() -> None:
    async def story(app: App) -> None:
        async with served(app, timeout_keep_alive=1) as dial:
            line = await dial()
            await line.says(GET)
            answer = await line.hears_all()

            assert (200, 1) == (status(answer), answer.count(b"HTTP/1.1"))

    run(story)


@pytest.mark.parametrize("before", [b"", GET, GET[:10]], ids=["a new line", "an idle one", "half a request"])
def test_a_request_that_is_on_its_way_when_the_server_stops_is_answered_and_is_the_last_one(before: bytes) -> None:
    async def story(app: App) -> None:
        async with served(app, Bounds()) as dial:
            line = await dial()
            await line.says(before)
            if before == GET:
                await line.hears_answers(1)
            await until(dial.connections)
            (connection,) = dial.connections()
            connection.shutdown()
            await line.says(GET.removeprefix(before) or GET)
            answer = await line.hears_all()

            assert 200 == status(answer)
            assert b"connection: close" in answer

    run(story)


def test_a_line_on_which_nothing_comes_is_closed_soon_after_the_server_has_stopped() -> None:
    async def story(app: App) -> None:
        async with served(app, Bounds()) as dial:
            line = await dial()
            await line.says(GET)
            await line.hears_answers(1)
            dial.stop()

            assert b"" == await line.hears_all()

    run(story)


def test_who_takes_nothing_of_its_answer_is_gone_after_a_while() -> None:
    async def story(app: App) -> None:
        app.length = 64 * 1024 * 1024
        crowd = Crowd(1, 1)
        async with served(app, crowd=crowd) as dial:
            line = await dial()
            line.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await line.says(GET)

            def is_gone() -> bool:
                leave = crowd.entered("127.0.0.1")
                if leave is not None:
                    leave()
                return leave is not None

            assert not is_gone()
            await until(is_gone)

    run(story)


# Size


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"X-Long: " + b"x" * 40_000 + b"\r\n\r\n", id="one that is long"),
        pytest.param(b"X-Endless: " + b"x" * 400_000, id="one that never ends"),
        pytest.param(b"".join(b"X-%d: x\r\n" % n for n in range(200)) + b"\r\n", id="too many"),
    ],
)
def test_headers_that_are_too_large_are_refused(head: bytes) -> None:
    async def story(app: App) -> None:
        async with served(app, Bounds()) as dial:
            line = await dial()
            await line.says(b"GET / HTTP/1.1\r\nHost: here\r\n" + head)
            answer = await line.hears(4096)

            assert 431 == status(answer)
            assert b'"code":"headers_too_large"' in answer
            assert [] == app.bodies

    run(story)


def test_an_address_that_is_too_long_is_refused_and_large_bodies_are_no_headers() -> None:
    async def story(app: App) -> None:
        async with served(app, Bounds()) as dial:
            long, large = await dial(), await dial()
            await long.says(b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n")
            body = b"x" * 50_000
            await large.says((POST.replace(b"5", b"50000") + body) * 2 + GET[:10])
            answers = await large.hears_answers(2)
            await large.says(GET[10:])

            assert (431, 2, 200) == (status(await long.hears()), answers, status(await large.hears()))
            assert [body, body, b""] == app.bodies

    run(story)


def test_what_is_no_http_is_told_so() -> None:
    async def story(app: App) -> None:
        async with served(app) as dial:
            line = await dial()
            await line.says(b"\x16\x03\x01 this is TLS\r\n\r\n")
            answer = await line.hears_all()

            assert 400 == status(answer)
            assert b'"code":"invalid_request"' in answer

    run(story)


# Number


def test_there_is_no_room_for_more_connections_than_may_be_and_one_that_left_makes_room() -> None:
    async def story(app: App) -> None:
        async with served(app, Bounds(), Crowd(10, 2)) as dial:
            lines = [await dial() for _ in range(2)]
            for line in lines:
                await line.says(GET)
                assert status(await line.hears()) == 200
            refused = await (await dial()).hears_all()
            lines[0].writer.close()

            async def another() -> int:
                line = await dial()
                await line.says(GET)
                return status(await line.hears())

            found = await another()
            while found == 503:
                found = await another()

            assert (503, 200) == (status(refused), found)
            assert b'"code":"overloaded"' in refused
            assert b"retry-after: 1" in refused.lower()

    with capture_logs() as logs:
        run(story)

    assert ["overloaded"] == [one["code"] for one in logs if one["event"] == "connection_refused"]


NETWORKS = {"trusted": networks_in("10.0.0.0/8"), "whitelist": networks_in("127.0.0.0/8, 10.0.0.1")}


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        pytest.param(["203.0.113.7"] * 3, [True, True, False], id="of one address"),
        pytest.param(["2001:db8::1", "2001:db8::2", "2001:db8::3"], [True, True, False], id="of one /64"),
        pytest.param([f"203.0.113.{n}" for n in range(6)], [True] * 5 + [False], id="of all"),
        pytest.param(["10.0.0.1"] * 6, [True] * 5 + [False], id="of a proxy, whitelisted or not"),
        pytest.param(["127.0.0.1"] * 9 + ["203.0.113.7"], [True] * 10, id="of the whitelist"),
        pytest.param(["no address"] * 6, [True] * 5 + [False], id="of nobody knows whom"),
    ],
)
def test_connections_are_counted_altogether_and_by_address(peers: list[str], expected: list[bool]) -> None:
    crowd = Crowd(5, 2, **NETWORKS)

    assert expected == [crowd.entered(peer) is not None for peer in peers]


def test_what_has_left_takes_no_place() -> None:
    crowd = Crowd(2, 2)
    for _ in range(10):
        leave = crowd.entered("203.0.113.7")
        assert leave is not None
        leave()

    assert crowd.entered("203.0.113.7") is not None


@pytest.mark.parametrize("before", [b"", GET], ids=["first", "second"])
def test_an_address_that_is_none_is_refused_like_any_bad_request(before: bytes) -> None:
    async def story(app: App) -> None:
        async with served(app) as dial:
            line = await dial()
            if before:
                await line.says(before)
                await line.hears()
            await line.says(b"GET http://[ HTTP/1.1\r\nHost: here\r\n\r\n")
            answer = await line.hears_all()

            assert 400 == status(answer)
            assert b'"code":"invalid_request"' in answer

    run(story)
