"""Real connections: none is made to an address that is not of the public internet, whatever name leads there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from actors import outside
from actors.outside import NOT_ALLOWED, NotAllowed, Outside, Posted, public_socket
from tests.actors.waiting import until


class Server:
    """Answers every request with these bytes, and counts connections."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer, self.connections, self.ended, self.requests = answer, 0, 0, b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.requests += await reader.readuntil(b"\r\n\r\n")
        if self.answer is None:
            await reader.read()
        else:
            writer.write(self.answer)
        writer.close()
        await writer.wait_closed()
        self.ended += 1


def run(answer: bytes | None, story: Callable[[Outside, Server, int], Awaitable[None]], *, allow_private: bool) -> None:
    async def told() -> None:
        server = Server(answer)
        listening = await asyncio.start_server(server, "127.0.0.1", 0)
        post = Outside(allow_private=allow_private)
        try:
            await story(post, server, listening.sockets[0].getsockname()[1])
        finally:
            await post.close()
            await until(lambda: server.ended == server.connections)
            listening.close()
            await listening.wait_closed()

    asyncio.run(told())


def answered(status: int, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n%s\r\n" % (status, more)


@pytest.mark.parametrize("status", [200, 204, 301, 404, 410, 500])
def test_the_status_is_what_counts_and_a_redirect_is_one_of_them(status: int) -> None:
    async def story(post: Outside, server: Server, port: int) -> None:
        found = await post(f"http://127.0.0.1:{port}/x", b"{}", {"webhook-id": "upd_1_2"})

        assert Posted(status, f"HTTP {status}") == found
        assert 1 == server.connections
        assert b"POST /x HTTP/1.1" in server.requests
        assert b"webhook-id: upd_1_2" in server.requests

    location = b"Location: http://127.0.0.1:1/elsewhere\r\n" if status == 301 else b""
    run(answered(status, location), story, allow_private=True)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0x7f000001",
        "2130706433",
        "127.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0.0.0.0",
        "0177.0.0.1",
        "127.0.0.1.",
        "LOCALHOST",
    ],
)
def test_no_name_of_this_machine_is_connected_to(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever looks at the URL is out of the way: what is left is the connection's own guard.
    monkeypatch.setattr(outside, "fault_of", lambda _, **__: None)

    async def story(post: Outside, server: Server, port: int) -> None:
        found = await post(f"http://{host}:{port}/", b"{}", {})

        assert None is found.status
        assert 0 == server.connections
        # Some spellings the client itself refuses.
        assert found.cause in {NOT_ALLOWED, "InvalidUrlClientError"}

    run(answered(204), story, allow_private=False)


def test_a_name_that_was_public_a_moment_ago_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to = ["93.184.216.34", "127.0.0.1"]

    async def resolved(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads_to[-1], port_of[0]))]

    port_of: list[int] = []

    async def story(post: Outside, server: Server, port: int) -> None:
        port_of.append(port)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
        found = await post(f"https://acme.example:{port}/", b"{}", {})

        assert Posted(None, NOT_ALLOWED) == found
        assert 0 == server.connections

    run(answered(204), story, allow_private=False)


def test_a_socket_is_made_for_a_public_address_alone() -> None:
    where = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    with public_socket((*where, ("93.184.216.34", 443))) as made:
        assert socket.AF_INET == made.family
    with pytest.raises(NotAllowed):
        public_socket((*where, ("10.0.0.1", 443)))


def test_an_endpoint_that_says_nothing_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "TIMEOUT_S", 0.2)

    async def story(post: Outside, _: Server, port: int) -> None:
        assert Posted(None, "no answer within 0.2 s") == await post(f"http://127.0.0.1:{port}/", b"{}", {})

    run(None, story, allow_private=True)


def test_a_cause_tells_what_went_wrong_and_no_address() -> None:
    async def story(post: Outside, _: Server, port: int) -> None:
        cut = await post(f"http://127.0.0.1:{port}/hidden", b"{}", {})
        refused = await post("http://127.0.0.1:9/hidden", b"{}", {})

        assert "hidden" not in cut.cause + refused.cause
        assert Posted(None, "no connection: ConnectionRefusedError") == refused

    run(b"nonsense\r\n\r\n", story, allow_private=True)
