"""A caller of the gateway's HTTP routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
import msgspec

OK, CREATED = 200, 201


class Refused(Exception):
    """The gateway did not do what it was asked to."""


class Tenant(NamedTuple):
    name: str
    key: str


class Bot(NamedTuple):
    tenant: Tenant
    bot_id: int
    username: str


class Answer(NamedTuple):
    status: int
    content: dict[str, Any]

    @property
    def outcome(self) -> str | None:
        return self.content.get("outcome")


class Caller:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.url = url
        self._session = session

    async def register_tenant(self, name: str) -> Tenant:
        made = await self._made("/auth/register", {"name": name})
        return Tenant(made["name"], made["api_key"])

    async def register_bot(self, tenant: Tenant, token: str) -> Bot:
        made = await self._made("/api/bots", {"token": token}, tenant.key)
        return Bot(tenant, made["bot_id"], made["username"])

    async def configure(self, bot: Bot, change: Mapping[str, object]) -> None:
        url, body = f"{self.url}/api/bots/{bot.bot_id}", msgspec.json.encode(change)
        async with self._session.patch(url, data=body, headers=_headers(bot.tenant.key)) as response:
            _expected(OK, response.status, await response.read())

    async def command(
        self, bot: Bot, method: str, parameters: Mapping[str, object], deadline_s: float | None = None
    ) -> Answer:
        headers = _headers(bot.tenant.key) if deadline_s is None else _headers(bot.tenant.key, deadline_s)
        url = f"{self.url}/api/bots/{bot.bot_id}/commands/{method}"
        async with self._session.post(url, data=msgspec.json.encode(parameters), headers=headers) as response:
            return Answer(response.status, msgspec.json.decode(await response.read()))

    async def health(self, bot: Bot) -> dict[str, Any]:
        url = f"{self.url}/api/bots/{bot.bot_id}/health"
        async with self._session.get(url, headers=_headers(bot.tenant.key)) as response:
            return _expected(OK, response.status, await response.read())

    async def _made(self, path: str, content: Mapping[str, object], key: str | None = None) -> dict[str, Any]:
        body = msgspec.json.encode(content)
        async with self._session.post(f"{self.url}{path}", data=body, headers=_headers(key)) as response:
            return _expected(CREATED, response.status, await response.read())


def _headers(key: str | None, deadline_s: float | None = None) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    if deadline_s is not None:
        headers["X-Deadline-S"] = f"{deadline_s:g}"
    return headers


def _expected(status: int, given: int, body: bytes) -> dict[str, Any]:
    if given != status:
        raise Refused(f"the gateway answered {given}: {body.decode(errors='replace')[:500]}")
    content: dict[str, Any] = msgspec.json.decode(body)
    return content
