"""`/admin/system/vault`: which master key seals what, and a new one. What is done is recorded first."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import StoreError, StoreUnusable
from domain.store.rotation import CannotRotate, MasterKeyStatus, MasterKeyUse
from domain.tenant import Scope
from gateway.answers import answer
from gateway.auditing import on_record
from gateway.auth import Caller, Gate
from gateway.doors import Doors
from gateway.operations import operation
from gateway.problems import Problem
from gateway.reasons import Why, reason_of
from gateway.routing import at

PREFIX = "/admin/system/vault"
TARGET = "master key"
ADMIN = (Scope.ADMIN,)

T = TypeVar("T")


class VaultRoutes:
    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._doors = doors
        self._keys = doors.master_keys
        self._gate = gate

    def routes(self) -> list[Route]:
        return [
            at(PREFIX, GET=self.shown),
            at(f"{PREFIX}/rotate", POST=self.rotate),
            at(f"{PREFIX}/retire", POST=self.retire),
        ]

    @operation(
        "What is sealed under which master key",
        scopes=ADMIN,
        answers={200: MasterKeyStatus},
        problems=("cannot_rotate",),
    )
    async def shown(self, request: Request) -> Response:
        self._gate.admin(request)
        return answer(await told(self._keys.status()))

    @operation(
        "Change the master key", scopes=ADMIN, body=Why, answers={202: MasterKeyStatus}, problems=("cannot_rotate",)
    )
    async def rotate(self, request: Request) -> Response:
        """Begins it; GET /admin/system/vault tells how far it is."""
        caller, reason = await self._by(request)
        async with on_record(self._doors.audit, request, caller, "vault.rotate", TARGET, reason) as position:
            await told(self._keys.rotate())
        return answer(await told(self._keys.status()), 202, position=position)

    @operation(
        "Take away master keys that seal nothing",
        scopes=ADMIN,
        body=Why,
        answers={200: {"retired": list[str], "keys": list[MasterKeyUse]}},
        problems=("cannot_rotate",),
    )
    async def retire(self, request: Request) -> Response:
        caller, reason = await self._by(request)
        async with on_record(self._doors.audit, request, caller, "vault.retire", TARGET, reason) as position:
            retired = await told(self._keys.retire())
        return answer({"retired": retired, "keys": (await told(self._keys.status())).keys}, position=position)

    async def _by(self, request: Request) -> tuple[Caller, str]:
        return self._gate.admin(request), await reason_of(request, self._doors.options.max_body_bytes)


async def told(done: Awaitable[T]) -> T:
    try:
        return await done
    except (CannotRotate, StoreUnusable) as error:
        raise Problem("cannot_rotate", str(error)) from None
    except StoreError:
        detail = "The event store does not answer, and nothing is lost. Try again."
        raise Problem("store_unavailable", detail, retry_after_s=1.0) from None
