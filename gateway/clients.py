"""Where a request comes from: `client_of(scope)`, also where proxies that we trust stand in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from domain.rules.forwarded import Network, address_in, counted_as, is_among, sender

FORWARDED_FOR, REAL_IP = b"x-forwarded-for", b"x-real-ip"
IN_SCOPE = "botloft.client"
REMEMBERED = 4096


class Client(NamedTuple):
    address: str
    """Whole, for people to read."""
    counted_as: str
    """What its requests are counted under."""
    is_exempt: bool
    """From all limits."""


UNKNOWN = Client("unknown", "unknown", is_exempt=False)


def client_of(scope: Scope) -> Client:
    client: Client = scope[IN_SCOPE]
    return client


class Clients:
    def __init__(self, trusted: Sequence[Network], whitelist: Sequence[Network]) -> None:
        self._trusted = trusted
        self._whitelist = whitelist
        self.of = lru_cache(REMEMBERED)(self._of)

    def _of(self, peer: str, forwarded_for: tuple[str, ...] = (), real_ip: str | None = None) -> Client:
        nearest = address_in(peer)
        if nearest is None:
            return UNKNOWN
        address = sender(nearest, forwarded_for, real_ip, self._trusted)
        # A proxy that says nothing of its clients must not exempt all of them.
        is_exempt = is_among(address, self._whitelist) and not is_among(address, self._trusted)
        return Client(str(address), counted_as(address), is_exempt)

    def sent(self, scope: Mapping[str, Any]) -> Client:
        peer = (scope.get("client") or ("",))[0]
        if not self._trusted:
            return self.of(peer)
        forwarded_for = tuple(value.decode("latin-1") for name, value in scope["headers"] if name == FORWARDED_FOR)
        real_ip = next((value.decode("latin-1") for name, value in scope["headers"] if name == REAL_IP), None)
        return self.of(peer, forwarded_for, real_ip)


class Resolved:
    """The layer that finds out once, for all who ask."""

    def __init__(self, app: ASGIApp, clients: Clients) -> None:
        self._app = app
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[IN_SCOPE] = self._clients.sent(scope)
        await self._app(scope, receive, send)
