"""A tenant's end of the line: a little HTTP server that takes what is posted, or does not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

WITHIN_S = 60


class Post(NamedTuple):
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Endpoint:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/updates"
        self.posts: list[Post] = []
        """All that came, taken or not."""
        self.taken: list[Post] = []
        self.answers: Callable[[Post], int | None] = lambda _: 204
        """The status for each; None: no answer until the test is over."""
        self.is_over = threading.Event()
        self._came = threading.Condition()

    def hears(self, post: Post) -> int | None:
        with self._came:
            self.posts.append(post)
            status = self.answers(post)
            if status is not None and 200 <= status < 300:
                self.taken.append(post)
            self._came.notify_all()
        return status

    def until(self, condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
        with self._came:
            assert self._came.wait_for(condition, within_s), (len(self.posts), len(self.taken))


@contextmanager
def listening() -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = endpoint.hears(Post({name.lower(): value for name, value in self.headers.items()}, body))
            if status is None:
                endpoint.is_over.wait(WITHIN_S)
                self.close_connection = True
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """A gateway that is killed breaks its connections off."""

    with Server(("127.0.0.1", 0), Handler) as server:
        endpoint = Endpoint(server.server_port)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield endpoint
        finally:
            endpoint.is_over.set()
            server.shutdown()
            serving.join()
