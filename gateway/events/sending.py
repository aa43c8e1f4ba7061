"""A body without an end known beforehand: sent as fast as it is read, ended when nobody reads it any more.

What fails when the answer has begun cannot become a problem: the body is left unfinished, and the server cuts the
connection. So a client never takes a part for the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, aclosing

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.errors import StoreError
from gateway.answers import COMMON
from gateway.events.pulse import Pulse

STALLED_S = 300.0
"""A reader that takes nothing for so long is gone, whatever its connection says."""
LAST_S = 0.5
"""For what is on its way when the gateway stops."""

log = structlog.get_logger()


class CutOff(Exception):
    """Nothing more will come, and what has been sent is not all."""


class Streamed(Response):
    def __init__(
        self,
        chunks: AsyncGenerator[bytes],
        place: AbstractContextManager[None],
        media_type: str,
        headers: Mapping[str, str],
        pulse: Pulse,
    ) -> None:
        """`place` is entered when the sending begins; what it raises is still a problem."""
        super().__init__(None, 200, {**COMMON, **headers}, media_type)
        del self.headers["content-length"]
        self._chunks = chunks
        self._place = place
        self._pulse = pulse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await send(self._start())
            await send({"type": "http.response.body", "body": b""})
            return
        with self._place:
            sending = asyncio.create_task(self._sent(send))
            ending = {asyncio.create_task(_gone(receive)), asyncio.create_task(self._stopped())}
            try:
                await asyncio.wait({sending, *ending}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, *ending):
                    task.cancel()
                await asyncio.wait({sending, *ending})
        if not sending.cancelled():
            sending.result()

    async def _sent(self, send: Send) -> None:
        await send(self._start())
        try:
            async with aclosing(self._chunks) as chunks:
                async for chunk in chunks:
                    async with asyncio.timeout(STALLED_S):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (CutOff, StoreError, TimeoutError) as error:
            log.warning("stream_cut", reason=type(error).__name__)
            return
        await send({"type": "http.response.body", "body": b""})

    async def _stopped(self) -> None:
        """A stream ends by itself then, but not if its reader takes nothing."""
        await self._pulse.until_stopped()
        await asyncio.sleep(LAST_S)

    def _start(self) -> dict[str, object]:
        return {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
