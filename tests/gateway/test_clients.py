"""Where a request comes from, as the layer tells it to whoever asks."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from domain.rules.forwarded import networks_in
from gateway.clients import UNKNOWN, Client, Clients, Resolved, client_of

PROXIES = networks_in("10.0.0.0/8, 127.0.0.1")
WHITELIST = networks_in("127.0.0.0/8, ::1, 203.0.113.7, 10.0.0.1")


def told(peer: str | None, **headers: str) -> Client:
    found: list[Client] = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        found.append(client_of(scope))

    async def nothing(*_: object) -> None:
        raise AssertionError

    scope = {
        "type": "http",
        "client": (peer, 4711) if peer is not None else None,
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(Resolved(app, Clients(PROXIES, WHITELIST))(scope, nothing, nothing))
    return found[0]


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("198.51.100.9", {}, Client("198.51.100.9", "198.51.100.9", is_exempt=False)),
        ("198.51.100.9", {"x_forwarded_for": "127.0.0.1"}, Client("198.51.100.9", "198.51.100.9", is_exempt=False)),
        ("127.0.0.2", {}, Client("127.0.0.2", "127.0.0.2", is_exempt=True)),
        ("::ffff:127.0.0.2", {}, Client("127.0.0.2", "127.0.0.2", is_exempt=True)),
        ("10.0.0.9", {"x_forwarded_for": "203.0.113.7"}, Client("203.0.113.7", "203.0.113.7", is_exempt=True)),
        ("10.0.0.9", {"x_real_ip": "203.0.113.8"}, Client("203.0.113.8", "203.0.113.8", is_exempt=False)),
        ("2001:db8:1:2:3::4", {}, Client("2001:db8:1:2:3::4", "2001:db8:1:2::/64", is_exempt=False)),
        ("not an address", {}, UNKNOWN),
        (None, {}, UNKNOWN),
    ],
)
def test_the_client_is_told(peer: str | None, headers: dict[str, str], expected: Client) -> None:
    assert expected == told(peer, **headers)


@pytest.mark.parametrize("peer", ["10.0.0.1", "127.0.0.1"])
def test_a_trusted_proxy_is_not_itself_whitelisted(peer: str) -> None:
    assert not told(peer).is_exempt
