"""A TCP proxy between us and a server: it can lose an answer, and its connection with it."""

from __future__ import annotations

import selectors
import socket
import threading

COMMITTED = b"COMMIT\0"
"""How PostgreSQL says so."""


class Proxy:
    """Forwards to `port`, from `at` or from any port that is free."""

    def __init__(self, port: int, at: int = 0) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", at))
        self.port = self._listening.getsockname()[1]
        self._to_lose: bytes | None = None
        self.lost = 0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def instead_of(self, url: str) -> str:
        return url.replace(f":{self._to}/", f":{self.port}/")

    def lose(self, answer: bytes) -> None:
        """The next answer with these bytes in it: the server has done what it was told, and nobody hears of it."""
        self._to_lose = answer

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
                    try:
                        passed = key.fileobj.recv(65536)  # type: ignore[union-attr]  # a socket: we registered it
                        if not passed or (key.data is client and self._is_lost(passed)):
                            return
                        key.data.sendall(passed)
                    except OSError:
                        return

    def _is_lost(self, answer: bytes) -> bool:
        if self._to_lose is None or self._to_lose not in answer:
            return False
        self._to_lose = None
        self.lost += 1
        return True
