"""Browser sessions: a signed cookie that names a key and never holds it, and the token that proves a page to be ours.

Nothing is kept here: the signature says that we made the cookie, the key says whether it still opens anything. Whoever
logs out raises the key's number of sessions, and every cookie of an earlier number is over.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from itsdangerous import BadData, Signer, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from gateway.problems import Problem

COOKIE, SECURE_COOKIE = "botloft_session", "__Host-botloft_session"
"""With the prefix a browser takes it only over https, for this very host, so no neighbour can plant one."""
LIFE = timedelta(hours=12)
TOKEN = "X-CSRF-Token"  # noqa: S105  a header's name
SAFE = ("GET", "HEAD")
OWN_SITE = ("same-origin", "none")
"""`none`: by the user's own hand, as an address that was typed."""
SIGNING: dict[str, Any] = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
OF_SETTINGS = "settings"


class Session(NamedTuple):
    session_id: str
    key_id: str
    """`settings` for the admin's key of the settings."""
    number: str
    until_s: int

    @property
    def until(self) -> datetime:
        return datetime.fromtimestamp(self.until_s, UTC)


class Sessions:
    def __init__(self, signing_keys: Sequence[bytes], public_url: str | None) -> None:
        """`signing_keys` newest first: the first signs, all are believed."""
        oldest_first = list(reversed(signing_keys))
        self._cookies = URLSafeSerializer(oldest_first, salt="botloft session", signer_kwargs=SIGNING)
        self._tokens = Signer(oldest_first, salt="botloft csrf", **SIGNING)
        self._origin = _origin_of(public_url or "")

    def begun(self, key_id: str, number: str, until: datetime) -> Session:
        return Session(secrets.token_hex(16), key_id, number, int(until.timestamp()))

    def shown(self, request: Request) -> str | None:
        """The cookie, unread."""
        return request.cookies.get(self.name(request))

    def read(self, cookie: str) -> Session | None:
        """None: we have not made it."""
        try:
            return Session(*self._cookies.loads(cookie))
        except BadData:
            return None

    def into(self, response: Response, request: Request, session: Session, now: datetime) -> None:
        self._set(response, request, str(self._cookies.dumps(session)), max(0, session.until_s - int(now.timestamp())))

    def out_of(self, response: Response, request: Request) -> None:
        self._set(response, request, "", 0)

    def token(self, session: Session) -> str:
        return self._tokens.get_signature(session.session_id).decode()

    def check_page(self, request: Request) -> None:
        """Browsers say where a request comes from; who is no browser says nothing, and is no danger."""
        headers = request.headers
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:
            is_own = site in OWN_SITE
        else:
            is_own = origin is None or origin == self._origin or origin.partition("://")[2] == headers.get("host")
        if not is_own:
            raise Problem("csrf", "This came from a page of another origin, and was not done.")

    def check_token(self, request: Request, session: Session) -> None:
        token = request.headers.get(TOKEN, "")
        if request.method not in SAFE and not self._tokens.verify_signature(session.session_id, token):
            raise Problem("csrf")

    def _set(self, response: Response, request: Request, cookie: str, max_age_s: int) -> None:
        response.set_cookie(
            self.name(request),
            cookie,
            max_age=max_age_s,
            path="/",
            secure=self._is_secure(request),
            httponly=True,
            samesite="strict",
        )

    def name(self, request: Request) -> str:
        return SECURE_COOKIE if self._is_secure(request) else COOKIE

    def _is_secure(self, request: Request) -> bool:
        return request.url.scheme == "https" or self._origin.startswith("https://")


def _origin_of(url: str) -> str:
    """As a browser writes it: no path, and no port that goes without saying."""
    parts = urlsplit(url)
    netloc = parts.netloc.lower()
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return f"{parts.scheme}://{netloc.removesuffix(usual)}"
