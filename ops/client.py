"""A running gateway, asked over HTTP with an admin's key, for the command line."""

from __future__ import annotations

import http.client
import os
from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from ops.access import Access, NotReached, Refused
from ops.settings import Settings

TIMEOUT_S = 40.0
"""Longer than the gateway takes to say that it cannot."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where such a gateway listens, this is one of its addresses
UNAUTHENTICATED, FORBIDDEN = 401, 403
NO_QUERY: Mapping[str, object] = MappingProxyType({})


class AdminClient:
    def __init__(self, url: str, key: str) -> None:
        """Raises NotReached and Refused."""
        self._access = Access(url, key)
        self._headers = {**self._access.headers, "Content-Type": "application/json"}

    def get(self, *path: str, **query: object) -> dict[str, Any]:
        return self._asked("GET", path, None, query)

    def post(self, *path: str, **body: object) -> dict[str, Any]:
        return self._asked("POST", path, msgspec.json.encode(body))

    def _asked(
        self, method: str, path: tuple[str, ...], body: bytes | None, query: Mapping[str, object] = NO_QUERY
    ) -> dict[str, Any]:
        """Raises NotReached and Refused."""
        target = "/".join((self._access.prefix, *(quote(part, safe="") for part in path)))
        if query:
            target += "?" + urlencode(query)
        try:
            with closing(self._access.connection(TIMEOUT_S)) as connection:
                connection.request(method, target, body, self._headers)
                answer = connection.getresponse()
                status, content = answer.status, answer.read()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotReached(
                f"No gateway answers at {self._access.url} ({_why(error)}). Is it running? --url names another address."
            ) from None
        found = _decoded(content)
        if found is None:
            raise NotReached(f"What answers at {self._access.url} is no Botloft gateway (HTTP {status}).")
        if status in (UNAUTHENTICATED, FORBIDDEN):
            raise Refused(f"The key opens nothing here: {found.get('detail', '')} Set an admin's in BOTLOFT_ADMIN_KEY.")
        if status >= http.client.BAD_REQUEST:
            raise Refused(str(found.get("detail") or found.get("title") or f"HTTP {status}"))
        return found


def url_of(settings: Settings) -> str:
    """Where the gateway of these settings listens. Raises NotReached."""
    if settings.port == 0:
        raise NotReached("BOTLOFT_PORT is 0, which takes any free port: say with --url where the gateway listens.")
    host = ANYWHERE.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _decoded(content: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def _why(error: Exception) -> str:
    """No more than the system's own words: an exception's text may hold what was sent."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else type(error).__name__
