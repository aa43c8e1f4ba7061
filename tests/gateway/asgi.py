"""Talks to the application without a client in between: for bodies that never end and callers that go away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.app import create_app
from tests.gateway.fakes import House


class Conversation:
    def __init__(
        self,
        house: House,
        method: str,
        path: str,
        chunks: Iterable[bytes],
        *,
        headers: dict[str, str] | None = None,
        breaks_off: bool = False,
    ) -> None:
        self._app = create_app(house.doors)
        self._chunks = iter(chunks)
        self._breaks_off = breaks_off
        self._scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "root_path": "",
            "headers": [
                (name.lower().encode(), value.encode())
                for name, value in {"Authorization": f"Bearer {house.key}", **(headers or {})}.items()
            ],
        }
        self._next = next(self._chunks, None)
        self.received = 0
        """Bytes of the body that the application took."""
        self.sent: list[Any] = []

    async def held(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    async def _receive(self) -> dict[str, Any]:
        chunk, self._next = self._next, next(self._chunks, None)
        self.received += len(chunk or b"")
        if self._next is None and self._breaks_off:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk or b"", "more_body": self._next is not None}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)
