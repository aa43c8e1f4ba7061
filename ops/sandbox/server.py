"""The sandbox as an HTTP server: made, run for a while, or served until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from ops.sandbox import bot_api, control, errors
from ops.sandbox.replies import refusal
from ops.sandbox.sandbox import RETRY_BASE_S, Sandbox

BODY_BYTES_MAX = 52 * 1024 * 1024
BACKLOG = 2048
STOP_WITHIN_S = 5.0


class SandboxServer(web.Server):
    """aiohttp's server below its router: two prefixes need none, and connections are to be known here."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(self._answer, request_factory=self._request, access_log=None)
        self.sandbox = sandbox

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self.sandbox.connections.made(handler)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self.sandbox.connections.lost(handler)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  aiohttp's own name for it
        self.sandbox.connections.lose_all()
        await self.sandbox.couriers.close()
        await super().shutdown(timeout)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(bot_api.PREFIX):
            return await bot_api.answer(self.sandbox, request)
        if request.path.startswith(control.PREFIX):
            return await control.answer(self.sandbox, request)
        return refusal(errors.not_found()).response()

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_BYTES_MAX)


def create_app(
    *, is_open: bool = False, flood: bool = False, keep_calls: bool = True, retry_base_s: float = RETRY_BASE_S
) -> SandboxServer:
    """A server of a new sandbox; to be made inside a running loop."""
    return SandboxServer(Sandbox(is_open=is_open, flood=flood, keep_calls=keep_calls, retry_base_s=retry_base_s))


@asynccontextmanager
async def running(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    is_open: bool = False,
    flood: bool = False,
    keep_calls: bool = True,
    retry_base_s: float = RETRY_BASE_S,
) -> AsyncIterator[str]:
    """A sandbox in this process; gives its base address."""
    app = create_app(is_open=is_open, flood=flood, keep_calls=keep_calls, retry_base_s=retry_base_s)
    runner = web.ServerRunner(app, shutdown_timeout=STOP_WITHIN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def serve(stop: asyncio.Event, announce: Callable[[str], None], **options: Any) -> None:
    """Serve until `stop` is set; the address is announced when connections are taken."""
    async with running(**options) as base_url:
        announce(base_url)
        await stop.wait()
