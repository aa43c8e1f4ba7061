"""A running gateway as a client meets it: one request, one answer read piece by piece, and sentences when it fails."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from urllib.parse import urlencode

import msgspec

from ops import settings as our_settings
from ops.access import Access, Refused
from ops.asking import where

TIMEOUT_S = 120.0
"""A gateway that looks for something rare is silent for a while."""
PIECE_BYTES = 1 << 16
TEMPORARY = (429, 503)
FAILED = 400


class Cut(Exception):
    """No connection, or one that ended in the middle; it may go better in a moment."""


class Gateway:
    def __init__(self, url: str, key: str) -> None:
        """Raises NotReached for what is no address, and Refused for what can be no key."""
        self._access = Access(url, key)
        self.url = url

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
        target = f"{self._access.prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        with closing(self._access.connection(timeout_s)) as connection:
            with self._trouble():
                connection.request(method, target, headers={**self._access.headers, **(headers or {})})
                response = connection.getresponse()
                if response.status >= FAILED:
                    raise (Cut if response.status in TEMPORARY else Refused)(_said(response))
            yield Answer(response, self._trouble)

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
    """The key never stands on a command line, where everybody on the machine can read it.

    Raises NotReached, Refused and BadSettings.
    """
    found = our_settings.load()
    key = os.environ.get("BOTLOFT_KEY") or (found.admin_key.get_secret_value() if found.admin_key else None)
    if key is None:
        raise Refused("Set BOTLOFT_KEY to an API key with the scope analyst, admin or tenant.")
    return Gateway(where(url, found), key)


def _said(response: http.client.HTTPResponse) -> str:
    body = response.read(PIECE_BYTES)
    try:
        problem = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError:
        problem = {}
    return f"The gateway answers {response.status}: {problem.get('detail') or response.reason}"
