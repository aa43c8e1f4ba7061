"""Posts to addresses that tenants name: to the public internet alone, unless the operator allows more.

The address is looked at when a connection is about to be made, after its name was resolved, so a name that leads
elsewhere the second time helps nobody. No redirect is followed, and of the answer only the status is read.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

import aiohttp
from aiohappyeyeballs import AddrInfoType

from domain.rules.addresses import fault_of, is_public

TIMEOUT_S = 15.0
MAX_CONNECTIONS = 1000
NOT_ALLOWED = "its address is not of the public internet"


class Posted(NamedTuple):
    status: int | None
    """None: no answer."""
    cause: str
    """Without an address: it may hold a secret."""


class NotAllowed(OSError):
    """No address for us to call."""


def public_socket(info: AddrInfoType) -> socket.socket:
    """For the address that is about to be connected to."""
    if not is_public(str(info[4][0])):
        raise NotAllowed
    return socket.socket(info[0], info[1], info[2])


class Outside:
    """Made on the loop that it will run on; whoever makes it closes it."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=MAX_CONNECTIONS, socket_factory=None if allow_private else public_socket
            ),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": "Botloft"},
        )

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> Posted:
        """Never raises."""
        if fault_of(url, allow_private=self._allow_private) is not None:
            return Posted(None, NOT_ALLOWED)
        try:
            async with self._session.post(
                url, data=body, headers={**headers, "Content-Type": "application/json"}, allow_redirects=False
            ) as response:
                return Posted(response.status, f"HTTP {response.status}")
        except TimeoutError:
            return Posted(None, f"no answer within {TIMEOUT_S:g} s")
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, NotAllowed)
            return Posted(None, NOT_ALLOWED if refused else f"no connection: {type(error.os_error).__name__}")
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            return Posted(None, type(error).__name__)

    async def close(self) -> None:
        await self._session.close()
