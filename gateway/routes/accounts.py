"""`/auth/register` and `/api/keys`: tenants and their keys. A key can be read once, in the answer that makes it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Annotated

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.messages import KeyInfo, ListKeys, RegisterTenant, RevokeKey, RotateKey, TenantKey
from domain.tenant import MAX_NAME, MAX_OVERLAP, Scope
from gateway import bodies, new_keys
from gateway.answers import answer, nothing
from gateway.asking import asked
from gateway.auditing import on_record
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.new_keys import ISSUED, KeyWish
from gateway.operations import Proof, operation
from gateway.problems import Problem
from gateway.reading import Reads
from gateway.routing import at

MAX_KEY_ID = 64
OVERLAP_S = 86_400.0
SCOPES = frozenset(scope.value for scope in Scope)
KEY_HOLDERS = (Scope.TENANT, Scope.ADMIN)


class NewTenant(bodies.Body, frozen=True):
    name: str


class NewKey(KeyWish, frozen=True):
    scopes: list[str] | None = None


class Rotation(bodies.Body, frozen=True):
    overlap_s: Annotated[float, Meta(ge=0, le=MAX_OVERLAP.total_seconds())] = OVERLAP_S


class Accounts:
    def __init__(self, doors: Doors, gate: Gate, reads: Reads) -> None:
        self._doors = doors
        self._gate = gate
        self._reads = reads

    def routes(self) -> list[Route]:
        return [
            at("/auth/register", POST=self.register),
            at("/api/keys", GET=self.listed, POST=self.issue),
            at("/api/keys/{key_id}", DELETE=self.revoke),
            at("/api/keys/{key_id}/rotate", POST=self.rotate),
        ]

    @operation(
        "Register a tenant",
        scopes=(Scope.ADMIN,),
        proofs=(Proof.NONE, Proof.KEY, Proof.SESSION),
        body=NewTenant,
        answers={201: {"tenant_id": str, "name": str, "api_key": str, "position": int}},
    )
    async def register(self, request: Request) -> Response:
        """On a loopback address without a key; elsewhere with an admin's. The key can be read in this answer alone."""
        admin = None if self._doors.options.open_registration else self._an_admin(request)
        body = await bodies.of_request(request, NewTenant, self._doors.options.max_body_bytes)
        name = bodies.line_of("name", body.name, MAX_NAME)
        async with self._on_record(request, admin, "tenant.register", name):
            made: TenantKey = await asked(self._doors.accounts, RegisterTenant(name))
        self._reads.wrote(made.tenant_id, made.position)
        content = {"tenant_id": made.tenant_id, "name": made.name, "api_key": made.api_key, "position": made.position}
        return answer(content, 201, position=made.position)

    @operation(
        "Make a key",
        scopes=KEY_HOLDERS,
        body=NewKey,
        needs_body=False,
        answers={201: ISSUED},
        problems=("not_found",),
    )
    async def issue(self, request: Request) -> Response:
        """With the scopes of the key that asks, unless said. It can be read in this answer alone."""
        caller = self._caller(request)
        body = await bodies.of_request(request, NewKey, self._doors.options.max_body_bytes)
        scopes = _scopes(caller, body.scopes)
        message = new_keys.issuing(caller.tenant_id, scopes, body, self._doors.clock.utc())
        async with self._on_record(request, caller, "key.issue", f"{message.label} ({', '.join(scopes)})"):
            return self._issued(await asked(self._doors.accounts, message))

    @operation(
        "Put another key in a key's place",
        scopes=tuple(Scope),
        body=Rotation,
        needs_body=False,
        answers={201: ISSUED},
    )
    async def rotate(self, request: Request) -> Response:
        """Another key in its place; the old one goes on for `overlap_s`. Also of the key that asks."""
        caller = self._gate.caller(request)
        body = await bodies.of_request(request, Rotation, self._doors.options.max_body_bytes)
        key_id = self._within_reach(caller, request)
        message = RotateKey(caller.tenant_id, key_id, body.overlap_s)
        async with self._on_record(request, caller, "key.rotate", key_id):
            return self._issued(await asked(self._doors.accounts, message))

    @operation("Your keys", scopes=KEY_HOLDERS, answers={200: {"keys": list[KeyInfo]}})
    async def listed(self, request: Request) -> Response:
        caller = self._caller(request)
        keys: list[KeyInfo] = await asked(self._doors.accounts, ListKeys(caller.tenant_id))
        return answer({"keys": keys})

    @operation("Revoke a key", scopes=KEY_HOLDERS, answers={204: None}, problems=("invalid_request",))
    async def revoke(self, request: Request) -> Response:
        """It opens nothing from now on. The last key stays."""
        caller = self._caller(request)
        key_id = self._within_reach(caller, request)
        async with self._on_record(request, caller, "key.revoke", key_id):
            position: int = await asked(self._doors.accounts, RevokeKey(caller.tenant_id, key_id))
        self._reads.wrote(caller.tenant_id, position)
        return nothing(position=position)

    def _issued(self, made: TenantKey) -> Response:
        self._reads.wrote(made.tenant_id, made.position)
        return new_keys.issued(made)

    def _caller(self, request: Request) -> Caller:
        return self._gate.caller(request)

    def _within_reach(self, caller: Caller, request: Request) -> str:
        """Its own key, or one that can do no more: else an analyst could rotate itself an admin's."""
        key_id = str(request.path_params["key_id"])
        if len(key_id) > MAX_KEY_ID:
            raise Problem("not_found")
        if key_id == caller.key_id or caller.is_admin:
            return key_id
        if Scope.TENANT not in caller.scopes:
            raise Problem("forbidden", "An analyst's key rotates itself alone.")
        key = self._doors.find_key(key_id)
        # Nothing is said here of other tenants' keys: to the actor they are as none.
        if key is not None and key.tenant_id == caller.tenant_id and not set(key.scopes) <= set(caller.scopes):
            raise Problem("forbidden", "That key can do more than yours. Ask with an admin's key.")
        return key_id

    def _an_admin(self, request: Request) -> Caller:
        if self._gate.shows_nothing(request):
            raise Problem("forbidden", "Registration is closed here: it takes an admin's key.")
        return self._gate.admin(request)

    def _on_record(
        self, request: Request, caller: Caller | None, action: str, target: str
    ) -> AbstractAsyncContextManager[int | None]:
        """What a tenant does with its own keys is in its own stream, and no act of an admin's."""
        if caller is None or not caller.is_admin:
            return nullcontext()
        return on_record(self._doors.audit, request, caller, action, target)


def _scopes(caller: Caller, asked_for: list[str] | None) -> tuple[Scope, ...]:
    """Without a wish, those of the key that asks. An admin may give any; a tenant only its own kind."""
    wanted = caller.scopes if asked_for is None else tuple(dict.fromkeys(asked_for))
    if not wanted or any(scope not in SCOPES for scope in wanted):
        raise Problem("invalid_request", f'"scopes" must be a list of some of {", ".join(Scope)}.')
    if not caller.is_admin and any(scope != Scope.TENANT for scope in wanted):
        raise Problem("forbidden", "A tenant's key can issue keys with the scope tenant only.")
    return tuple(Scope(scope) for scope in wanted)
