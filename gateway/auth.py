"""Who calls: `Authorization: Bearer blk_…`, the admin's key of the settings, or a session that one of them has opened.

Whatever is wrong with a key, it costs one hash and one comparison. One look-up a request.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, NoReturn

import structlog
from starlette.requests import Request

from domain.keys import hashed, is_over, key_id_of, same
from domain.tenant import OPERATOR, Scope
from gateway.clients import client_of
from gateway.doors import Doors
from gateway.operations import scopes_asked
from gateway.problems import Problem
from gateway.sessions import LIFE, OF_SETTINGS, Session, Sessions

MAX_KEY_LENGTH = 512
CHALLENGE = {"WWW-Authenticate": "Bearer"}
NOBODY_S = "0" * 64
"""In place of the hash of a key that there is not: a text with this hash is not to be found."""

log = structlog.get_logger()


class Caller(NamedTuple):
    tenant_id: str
    key_id: str | None
    """None: the admin's key of the settings, which the log does not know."""
    scopes: tuple[str, ...]

    @property
    def by(self) -> str:
        """As the record of an act names its key."""
        return self.key_id or "settings"

    @property
    def is_admin(self) -> bool:
        return Scope.ADMIN in self.scopes

    @property
    def reads_all(self) -> bool:
        """Every tenant's numbers, not only its own."""
        return self.is_admin or Scope.ANALYST in self.scopes


BY_SETTINGS = Caller(OPERATOR, None, (Scope.ADMIN,))


class Gate:
    def __init__(self, doors: Doors) -> None:
        self._find_key = doors.find_key
        self._key_was_used = doors.key_was_used
        self._clock = doors.clock
        self._admin_key_hash = doors.options.admin_key_hash
        self.sessions = Sessions(doors.options.session_keys, doors.options.public_url)
        self._of_settings = secrets.token_hex(8)
        """The number of its sessions. The log does not know that key, so they end with the process."""
        self.admins_refused = 0
        """How often somebody came without an admin's key for what takes one, since the process started."""

    def admitted(self, authorization: str | None, *scopes: Scope) -> Caller:
        """The caller, if the key is valid and has one of these scopes; else a problem is raised."""
        return _with_one_of(scopes, self._bearer(authorization))

    def caller(self, request: Request, *scopes: Scope) -> Caller:
        """The same, or by a session where no `Authorization` is sent. The scopes are the operation's, unless said."""
        scopes = scopes or scopes_asked(request)
        authorization = request.headers.get("authorization")
        if authorization is None and self.sessions.shown(request) is not None:
            return _with_one_of(scopes, self.in_session(request)[0])
        return self.admitted(authorization, *scopes)

    def admin(self, request: Request) -> Caller:
        try:
            return self.caller(request, Scope.ADMIN)
        except Problem as problem:
            # No act of an admin's, so no event: who knows no key must not be able to fill the log.
            self.admins_refused += 1
            log.warning("admin_refused", code=problem.code, client=client_of(request.scope).address)
            raise

    def shows_nothing(self, request: Request) -> bool:
        return "authorization" not in request.headers and self.sessions.shown(request) is None

    def with_key(self, text: str) -> Caller:
        """Whose key this is; else a problem is raised."""
        if len(text) > MAX_KEY_LENGTH:
            _refused("This is no API key: it is far too long.")
        key_id = key_id_of(text)
        key = self._find_key(key_id) if key_id is not None else None
        kept = key.secret_hash if key is not None else self._admin_key_hash or NOBODY_S
        if not same(kept, hashed(text)):
            if key_id is None:
                _refused("The key is mistyped or cut: copy it again, whole.")
            _refused("This key opens nothing: it is unknown here, or was revoked.")
        if key is None:
            return BY_SETTINGS
        now = self._clock.utc()
        if is_over(key, now):
            _refused("This key has expired. Make another with POST /api/keys, or ask the operator for one.")
        self._key_was_used(key.key_id, now)
        return Caller(key.tenant_id, key.key_id, key.scopes)

    def begun(self, caller: Caller) -> Session:
        """A session that opens what this caller's key opens, for as long as it does."""
        until, number = self._clock.utc() + LIFE, self._of_settings
        key = self._find_key(caller.key_id) if caller.key_id is not None else None
        if key is not None:
            until = until if key.expires_at is None else min(until, key.expires_at)
            number = str(key.sessions)
        return self.sessions.begun(caller.key_id or OF_SETTINGS, number, until)

    def in_session(self, request: Request) -> tuple[Caller, Session]:
        """Raises a problem where there is none, where it is over, and where another page may have sent this."""
        cookie = self.sessions.shown(request)
        if cookie is None:
            _refused("There is no session: POST /auth/login begins one.")
        session = self.sessions.read(cookie)
        if session is None:
            _refused("The session's cookie is not ours. Log in again with POST /auth/login.")
        caller = self._opened_by(session, self._clock.utc())
        if caller is None:
            _refused("The session is over. Log in again with POST /auth/login.")
        self.sessions.check_page(request)
        self.sessions.check_token(request, session)
        return caller, session

    def stays_open(self, request: Request, caller: Caller) -> Callable[[], bool]:
        """To be asked while an answer goes on: whether the key, or the session, would still open it."""
        if "authorization" not in request.headers:
            _, session = self.in_session(request)
            return lambda: self._opened_by(session, self._clock.utc()) is not None

        def opens() -> bool:
            key = self._find_key(caller.key_id) if caller.key_id is not None else None
            return caller.key_id is None or (key is not None and not is_over(key, self._clock.utc()))

        return opens

    def ended_of_settings(self) -> None:
        """All sessions of the admin's key of the settings."""
        self._of_settings = secrets.token_hex(8)

    def _bearer(self, authorization: str | None) -> Caller:
        scheme, _, text = (authorization or "").partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text:
            _refused("")
        return self.with_key(text)

    def _opened_by(self, session: Session, now: datetime) -> Caller | None:
        if now >= session.until:
            return None
        if session.key_id == OF_SETTINGS:
            return BY_SETTINGS if session.number == self._of_settings else None
        key = self._find_key(session.key_id)
        if key is None or is_over(key, now) or session.number != str(key.sessions):
            return None
        self._key_was_used(key.key_id, now)
        return Caller(key.tenant_id, key.key_id, key.scopes)


def _with_one_of(scopes: tuple[Scope, ...], caller: Caller) -> Caller:
    for scope in scopes:
        if scope in caller.scopes:
            return caller
    asked, given = " or ".join(scopes), " and ".join(caller.scopes) or "none"
    raise Problem("forbidden", f"This takes a key with the scope {asked}; yours has {given}.")


def _refused(detail: str) -> NoReturn:
    raise Problem("unauthenticated", detail, headers=CHALLENGE)
