"""A running gateway as a client meets it: one request, one answer read piece by piece, and sentences when it fails."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlencode, urlsplit

import msgspec

TIMEOUT_S = 120.0
"""A gateway that looks for something rare is silent for a while."""
PIECE_BYTES = 1 << 16
TEMPORARY = (429, 503)
FAILED = 400
LOCAL = "http://127.0.0.1:8080"
KEY_NAMES = ("BOTLOFT_KEY", "BOTLOFT_ADMIN_KEY")


class Refused(Exception):
    """What the gateway, or this side, has to say; asking again says the same."""


class Cut(Exception):
    """No connection, or one that ended in the middle; it may go better in a moment."""


class Gateway:
    def __init__(self, url: str, key: str) -> None:
        """Raises Refused when the address is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused(f"{url} is no address: it begins with http:// or https:// and a host.")
        self.url = url
        self._connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port, self._base = parts.hostname, parts.port, parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}

    @contextmanager
    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Iterator[Answer]:
        """Raises Refused and Cut."""
        connection = self._connect(self._host, self._port, timeout=timeout_s)
        target = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            with self._trouble():
                connection.request(method, target, headers={**self._headers, **(headers or {})})
                response = connection.getresponse()
                if response.status >= FAILED:
                    raise (Cut if response.status in TEMPORARY else Refused)(_said(response))
            yield Answer(response, self._trouble)
        finally:
            connection.close()

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            raise Cut(f"{self.url}: {str(error) or type(error).__name__}") from error


class Answer:
    """Reading it raises Cut. A body that the gateway did not end never looks like one that it did."""

    def __init__(self, response: http.client.HTTPResponse, trouble: Callable[[], AbstractContextManager[None]]) -> None:
        self._response = response
        self._trouble = trouble

    def header(self, name: str) -> str:
        return self._response.headers[name] or ""

    def whole(self) -> bytes:
        with self._trouble():
            return self._response.read()

    def pieces(self) -> Iterator[bytes]:
        while piece := self._piece():
            yield piece

    def _piece(self) -> bytes:
        with self._trouble():
            return self._response.read1(PIECE_BYTES)


def from_environment(url: str | None) -> Gateway:
    """The key never stands on a command line, where everybody on the machine can read it."""
    key = next((os.environ[name] for name in KEY_NAMES if os.environ.get(name)), None)
    if key is None:
        raise Refused("Set BOTLOFT_KEY to an API key with the scope analyst, admin or tenant.")
    return Gateway(url or os.environ.get("BOTLOFT_URL") or LOCAL, key)


def _said(response: http.client.HTTPResponse) -> str:
    body = response.read(PIECE_BYTES)
    try:
        problem = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError:
        problem = {}
    return f"The gateway answers {response.status}: {problem.get('detail') or response.reason}"
