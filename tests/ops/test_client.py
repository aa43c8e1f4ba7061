"""The admin's client: what it sends, whom it trusts, and what it says when things go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ops.access import NotReached, Refused
from ops.client import AdminClient, url_of
from ops.settings import Settings

KEY = "an admin key that only these tests know"


class Server(ThreadingHTTPServer):
    """Answers everything alike and writes down what it was asked."""

    daemon_threads = True

    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.says = status, body, headers
        self.asked: list[tuple[str, str, str | None, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization"), body))
        status, content, headers = self.server.says
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815  http.server's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(status: int = 200, body: object = None, headers: dict[str, str] | None = None) -> Iterator[Server]:
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    with Server(status, content, headers or {}) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_it_sends_the_key_and_reads_the_answer() -> None:
    with serving(body={"position": 7}) as server:
        client = AdminClient(server.url + "/behind/", KEY)

        assert {"position": 7} == client.post("admin", "a/b ?", "pause", reason="für alle")
        assert {"position": 7} == client.get("admin")
    assert [
        ("POST", "/behind/admin/a%2Fb%20%3F/pause", f"Bearer {KEY}", '{"reason":"für alle"}'.encode()),
        ("GET", "/behind/admin", f"Bearer {KEY}", b""),
    ] == server.asked


def test_a_redirect_does_not_carry_the_key_away() -> None:
    with serving() as elsewhere, serving(302, {}, {"Location": elsewhere.url}) as server:
        AdminClient(server.url, KEY).get("admin")

    assert (1, []) == (len(server.asked), elsewhere.asked)


def test_a_proxy_of_the_environment_does_not_see_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy, serving() as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        AdminClient(server.url, KEY).get("admin")

    assert (1, []) == (len(server.asked), proxy.asked)


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (404, {"detail": "There is no such projection."}, "There is no such projection."),
        (503, {"title": "The event store does not answer"}, "The event store does not answer"),
        (500, {}, "HTTP 500"),
        (401, {"detail": "It is unknown here."}, "The key opens nothing here: It is unknown here. Set an admin's in "),
        (403, {"detail": "No."}, "The key opens nothing here: No. Set an admin's in BOTLOFT_ADMIN_KEY."),
    ],
)
def test_a_problem_is_one_sentence(status: int, body: object, sentence: str) -> None:
    with serving(status, body) as server, pytest.raises(Refused) as refused:
        AdminClient(server.url, KEY).get("admin")

    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff", b""])
def test_what_is_no_gateway_is_told_apart(body: bytes) -> None:
    with serving(200, body) as server, pytest.raises(NotReached, match="is no Botloft gateway"):
        AdminClient(server.url, KEY).get("admin")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8080",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:many",
        "http://127.0.0.1:70000",
        "http://[::1",
        "",
    ],
)
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(NotReached, match="is no address of a gateway"):
        AdminClient(url, KEY)


def test_where_nobody_listens_nobody_answers() -> None:
    with serving() as server:
        url = server.url

    with pytest.raises(NotReached, match=r"Connection refused.*--url"):
        AdminClient(url, KEY).get("admin")


@pytest.mark.parametrize("key", ["two\nlines of a key", "a key from afar \N{SNOWMAN}"])
def test_what_can_be_no_key_is_not_sent_and_not_shown(key: str) -> None:
    with pytest.raises(Refused) as refused:
        AdminClient("http://127.0.0.1:1", key)

    assert key not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("127.0.0.1", 8080, "http://127.0.0.1:8080"),
        ("0.0.0.0", 80, "http://127.0.0.1:80"),
        ("::", 8080, "http://[::1]:8080"),
        ("bots.example", 8080, "http://bots.example:8080"),
    ],
)
def test_a_gateway_is_looked_for_where_its_settings_say(host: str, port: int, url: str) -> None:
    assert url == url_of(Settings(host=host, port=port))


def test_a_port_that_nobody_can_know_is_asked_for() -> None:
    with pytest.raises(NotReached, match="--url"):
        url_of(Settings(port=0))
