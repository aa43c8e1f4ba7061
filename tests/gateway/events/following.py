"""A reader of `/api/events…` that is there while the answer is made: it may wait, be slow, and go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.gateway.fakes import House

SOON_S = 10.0


class Reader:
    def __init__(self, house: House, path: str, key: str, headers: dict[str, str]) -> None:
        path, _, query = path.partition("?")
        self.scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (name.lower().encode(), value.encode())
                for name, value in {**({"Authorization": f"Bearer {key}"} if key else {}), **headers}.items()
            ],
        }
        self.taking = asyncio.Event()
        self.taking.set()
        self.body = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks = 0
        self.is_complete = False
        self.on_taken: Callable[[], object] = lambda: None
        self._app = house.client.app
        self._gone = asyncio.Event()
        self._heard = asyncio.Event()
        self._returned = asyncio.Event()
        self._began = False

    async def held(self) -> None:
        try:
            await self._app(self.scope, self._receive, self._send)
        finally:
            self._returned.set()

    def go_away(self) -> None:
        self._gone.set()

    async def until(self, heard: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON_S):
            while not heard():
                self._heard.clear()
                await self._heard.wait()

    async def until_returned(self) -> None:
        """The application has nothing more to do with it."""
        async with asyncio.timeout(SOON_S):
            await self._returned.wait()

    @property
    def positions(self) -> list[int]:
        """Of whole server-sent events."""
        blocks = self.body.split(b"\n\n")[:-1]
        return [int(block.split(b"\n")[0][4:]) for block in blocks if block.startswith(b"id: ")]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.body.splitlines()]

    async def _receive(self) -> dict[str, Any]:
        if not self._began:
            self._began = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.taking.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
            self.chunks += 1
            self.on_taken()
            self.is_complete = not message.get("more_body", False)
        self._heard.set()


@asynccontextmanager
async def reading(house: House, path: str, key: str | None = None, **headers: str) -> AsyncIterator[Reader]:
    """The answer is under way; in the end the reader goes, and the application must notice."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reader = Reader(house, path, house.key if key is None else key, named)
    task = asyncio.create_task(reader.held())
    try:
        yield reader
    finally:
        reader.go_away()
        async with asyncio.timeout(SOON_S):
            await task
