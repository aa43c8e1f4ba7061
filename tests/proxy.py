"""A TCP proxy between us and a server: it can cut every connection at the moment when a certain request has passed."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress


class Proxy:
    """Forwards to `port`. With `cut_after`, the next request with these bytes in it gets no answer: that was it."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._cut_after: bytes | None = None
        self.cuts = 0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def instead_of(self, url: str) -> str:
        return url.replace(f":{self._to}/", f":{self.port}/")

    def cut_after(self, request: bytes) -> None:
        self._cut_after = request

    def close(self) -> None:
        self._stopping.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._to)) as server, selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while not self._stopping.is_set():
                for key, _ in ready.select(0.1):
                    source, target = key.fileobj, key.data
                    with suppress(OSError):
                        passed = source.recv(65536)  # type: ignore[union-attr]  # a socket: we registered it
                        if passed:
                            target.sendall(passed)
                            if target is client or not self._is_last(passed, server):
                                continue
                    return

    def _is_last(self, request: bytes, server: socket.socket) -> bool:
        if self._cut_after is None or self._cut_after not in request:
            return False
        self._cut_after = None
        # Its answer proves that the server has done it; nobody gets to see that.
        server.recv(65536)
        self.cuts += 1
        return True
