"""Where a running gateway is and who asks it, checked before anything is sent. Whatever asks over HTTP begins here."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

MAX_IN_HEADER = 0xFF


class NotReached(Exception):
    """There is no gateway, or something else answers."""


class Refused(Exception):
    """What the gateway, or this side, says to this request, as one sentence; asking again says the same."""


class Access:
    def __init__(self, url: str, key: str) -> None:
        """Raises NotReached for what is no http(s) address, and Refused for what can be no key."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotReached(f"{url} is no address of a gateway. It looks like http://127.0.0.1:8080.")
        if not key.isprintable() or any(ord(character) > MAX_IN_HEADER for character in key):
            raise Refused("The key has characters that no key has: copy it again, whole.")
        self.url = url
        self.prefix = parts.path.rstrip("/")
        self.headers = {"Authorization": f"Bearer {key}"}
        self._make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port = parts.hostname, port

    def connection(self, timeout_s: float) -> http.client.HTTPConnection:
        """Not yet made. No proxy of the environment and no redirect ever gets to see the key."""
        return self._make(self._host, self._port, timeout=timeout_s)
