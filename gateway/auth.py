"""Who calls: `Authorization: Bearer blk_…`, or the admin's key of the settings. One hash and one look-up a request."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import NamedTuple

import structlog
from starlette.requests import Request

from domain.tenant import OPERATOR, Key, Scope, hashed, key_id_of, opens
from gateway.clients import client_of
from gateway.problems import Problem

MAX_KEY_LENGTH = 512
CHALLENGE = {"WWW-Authenticate": "Bearer"}

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


class Gate:
    def __init__(self, find_key: Callable[[str], Key | None], admin_key_hash: str | None) -> None:
        self._find_key = find_key
        self._admin_key_hash = admin_key_hash
        self.admins_refused = 0
        """How often somebody came without an admin's key for what takes one, since the process started."""

    def admitted(self, authorization: str | None, *scopes: Scope) -> Caller:
        """The caller, if the key is valid and has one of these scopes; else a problem is raised."""
        caller = self._caller(authorization)
        for scope in scopes:
            if scope in caller.scopes:
                return caller
        asked, given = " or ".join(scopes), " and ".join(caller.scopes) or "none"
        raise Problem("forbidden", f"This takes a key with the scope {asked}; yours has {given}.")

    def caller(self, request: Request, *scopes: Scope) -> Caller:
        return self.admitted(request.headers.get("authorization"), *scopes)

    def admin(self, request: Request) -> Caller:
        try:
            return self.caller(request, Scope.ADMIN)
        except Problem as problem:
            # No act of an admin's, so no event: who knows no key must not be able to fill the log.
            self.admins_refused += 1
            log.warning("admin_refused", code=problem.code, client=client_of(request.scope).address)
            raise

    def _caller(self, authorization: str | None) -> Caller:
        scheme, _, text = (authorization or "").partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text:
            raise _unauthenticated("")
        if len(text) > MAX_KEY_LENGTH:
            raise _unauthenticated("This is no API key: it is far too long.")
        key_id = key_id_of(text)
        key = self._find_key(key_id) if key_id is not None else None
        if key is not None and opens(key, text):
            return Caller(key.tenant_id, key.key_id, key.scopes)
        if self._admin_key_hash is not None and hmac.compare_digest(self._admin_key_hash, hashed(text)):
            return Caller(OPERATOR, None, (Scope.ADMIN,))
        if key_id is None:
            raise _unauthenticated("The key is mistyped or cut: copy it again, whole.")
        raise _unauthenticated("This key opens nothing: it is unknown here, or was revoked.")


def _unauthenticated(detail: str) -> Problem:
    return Problem("unauthenticated", detail, headers=CHALLENGE)
