"""The fleet's way to Telegram: one aiohttp session and connector for every bot.

`limit_per_host` stays unset: every bot calls the same host, so it would cap the fleet. Parameters leave as JSON and the
result comes back as the bytes that Telegram sent.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import aiohttp
import msgspec
import structlog
from aiohttp.payload import BytesPayload
from yarl import URL

from actors.ports import Upload
from domain.failure import Answer, Category, Failure, lost_answer, never_left, read_answer
from domain.rules.tokens import Token

DNS_CACHE_S = 300
KEEP_ALIVE_S = 15.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
HEADERS = {"User-Agent": "botloft"}
STOPPING = "the gateway is stopping"

log = structlog.get_logger()


class Telegram:
    """Made on the loop that it will run on; `close` is for the supervisor alone."""

    def __init__(self, base_url: str, max_connections: int) -> None:
        self._base_url = base_url.rstrip("/")
        self._calls: set[asyncio.Task[Answer]] = set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=max_connections, ttl_dns_cache=DNS_CACHE_S, keepalive_timeout=KEEP_ALIVE_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=HEADERS,
        )

    def call(
        self,
        token: Token,
        method: str,
        parameters: Mapping[str, object],
        timeout_s: float,
        then: Callable[[Answer], None],
    ) -> None:
        task = asyncio.get_running_loop().create_task(self.ask(token, method, parameters, timeout_s))
        self._calls.add(task)
        task.add_done_callback(partial(self._came_back, then))

    async def ask(self, token: Token, method: str, parameters: Mapping[str, object], timeout_s: float) -> Answer:
        """One HTTP call. Trouble is a `Failure`, not an exception."""
        body = await _body_of(parameters)
        if self._session.closed:
            # While the process ends: proofs go on a moment longer than commands do.
            return never_left(STOPPING)
        try:
            async with self._session.post(
                URL(f"{self._base_url}/bot{token.reveal()}/{method}", encoded=True),
                data=body,
                timeout=aiohttp.ClientTimeout(total=max(timeout_s, 0.001)),
                allow_redirects=False,
            ) as response:
                return read_answer(response.status, await _bounded(response), response.headers.get("Retry-After"))
        # What went wrong is told by its class: the texts of some of these name the URL, and the URL the token.
        except TimeoutError:
            if body.was_sent:
                return lost_answer("no answer in time", timed_out=True)
            return never_left("no connection in time", timed_out=True)
        except aiohttp.ClientConnectorDNSError:
            return never_left("the host name was not found")
        except aiohttp.ClientConnectorCertificateError:
            return never_left("the certificate was not accepted")
        except aiohttp.ClientConnectorError as error:
            return never_left(f"no connection: {error.os_error.strerror or type(error.os_error).__name__}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            name = STOPPING if self._session.closed else type(error).__name__
            return lost_answer(f"connection lost: {name}") if body.was_sent else never_left(f"no connection: {name}")

    async def close(self) -> None:
        """Calls still out come back as lost. May be called twice."""
        for task in list(self._calls):
            task.cancel()
        await self._session.close()

    @property
    def is_closed(self) -> bool:
        return self._session.closed

    def __del__(self) -> None:
        if not self._session.closed:
            warnings.warn("a Telegram session was not closed", ResourceWarning, stacklevel=2)

    def _came_back(self, then: Callable[[Answer], None], task: asyncio.Task[Answer]) -> None:
        self._calls.discard(task)
        if task.cancelled():
            then(lost_answer("the gateway stopped before Telegram answered"))
            return
        error = task.exception()
        if error is not None:
            log.error("telegram_call_failed", error=type(error).__name__)
            then(Failure(Category.UNKNOWN, f"the gateway failed: {type(error).__name__}"))
            return
        then(task.result())


class _Body(BytesPayload):
    """Knows whether it was sent: a request whose body never left cannot have been executed."""

    def __init__(self, body: bytes, content_type: str = "application/json") -> None:
        super().__init__(body, content_type=content_type)
        self.was_sent = False

    async def write(self, writer: Any) -> None:
        self.was_sent = True
        await super().write(writer)

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        self.was_sent = True
        await super().write_with_length(writer, content_length)


async def _body_of(parameters: Mapping[str, object]) -> _Body:
    if not any(isinstance(value, Upload) for value in parameters.values()):
        return _Body(msgspec.json.encode(parameters))
    form = aiohttp.FormData()
    for name, value in parameters.items():
        if isinstance(value, Upload):
            form.add_field(name, value.content, filename=value.name)
        else:
            form.add_field(name, value if isinstance(value, str) else msgspec.json.encode(value).decode())
    whole = form()
    return _Body(await whole.as_bytes(), whole.headers["Content-Type"])


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise ValueError("the answer is too large")
        chunks.append(chunk)
    return b"".join(chunks)
