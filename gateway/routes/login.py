"""`/auth/login`, `/auth/logout`, `/auth/session`: a key opens a browser session, and is not seen again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import EndSessions
from domain.tenant import Scope
from gateway import bodies
from gateway.answers import answer, nothing
from gateway.asking import asked
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.operations import ASKS_OTHERS, Proof, operation
from gateway.reading import Reads
from gateway.routing import at
from gateway.sessions import Session


class Credentials(bodies.Body, frozen=True):
    api_key: str

    def __repr__(self) -> str:
        return "Credentials(<redacted>)"

    def __rich_repr__(self) -> Iterator[str]:  # type: ignore[override]  # msgspec's own shows every field
        yield "<redacted>"


SESSION = {
    "tenant_id": str,
    "key_id": str | None,
    "scopes": list[Scope],
    "expires_at": datetime,
    "csrf_token": str,
}


class Login:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at("/auth/login", POST=self.login),
            at("/auth/logout", POST=self.logout),
            at("/auth/session", GET=self.session),
        ]

    @operation("Begin a session", body=Credentials, answers={200: SESSION}, problems=("unauthenticated", "csrf"))
    async def login(self, request: Request) -> Response:
        # Else a page elsewhere could log its reader in with a key of its own, and see what is done with it.
        self._gate.sessions.check_page(request)
        body = await bodies.of_request(request, Credentials, self._doors.options.max_body_bytes)
        caller = self._gate.with_key(body.api_key.strip())
        session = self._gate.begun(caller)
        response = answer(self._shown(caller, session))
        self._gate.sessions.into(response, request, session, self._doors.clock.utc())
        return response

    @operation("The session", proofs=(Proof.SESSION,), answers={200: SESSION}, problems=("unauthenticated", "csrf"))
    async def session(self, request: Request) -> Response:
        """For a page that was loaded anew: its token again."""
        return answer(self._shown(*self._gate.in_session(request)))

    @operation(
        "End a key's sessions",
        proofs=(Proof.SESSION,),
        answers={204: None},
        problems=("unauthenticated", "csrf", *ASKS_OTHERS, "not_found"),
    )
    async def logout(self, request: Request) -> Response:
        """Of every session that was opened with this key: one that was stolen ends with it."""
        caller, _ = self._gate.in_session(request)
        position = None
        if caller.key_id is None:
            self._gate.ended_of_settings()
        else:
            position = await asked(self._doors.accounts, EndSessions(caller.tenant_id, caller.key_id))
            self._reads.wrote(caller.tenant_id, position)
        response = nothing(position=position)
        self._gate.sessions.out_of(response, request)
        return response

    def _shown(self, caller: Caller, session: Session) -> dict[str, object]:
        return {
            "tenant_id": caller.tenant_id,
            "key_id": caller.key_id,
            "scopes": caller.scopes,
            "expires_at": session.until,
            "csrf_token": self._gate.sessions.token(session),
        }
