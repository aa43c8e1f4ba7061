"""Keys while the gateway is stopped, straight from the log: the way back in for an operator who lost the admin key."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pykka

from actors.accounts import AccountsActor
from actors.audit import AuditActor
from actors.journal import Journal
from actors.key_ring import KeyRing, used_before
from actors.messages import Act, ActRefused, FoundOperator, IssueKey, KeyInfo, ListKeys, OnRecord, RevokeKey, TenantKey
from domain import streams
from domain.refusal import Refused
from domain.rules.tokens import without_tokens
from domain.store.ledger import Ledger
from domain.tenant import OPERATOR, Scope
from ops.by_hand import BY_HAND
from ops.clock import SystemClock
from ops.settings import Settings
from ops.wiring import interrupted

CLOSE_S = 5.0


class KeyRefused(Exception):
    """Its text says why."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.detail)
        self.code = refused.code


async def listed(settings: Settings, tenant_id: str) -> list[KeyInfo]:
    async with _actors(settings) as (accounts, _):
        found: list[KeyInfo] = await _ask(accounts, ListKeys(tenant_id))
        return found


async def issued(settings: Settings, tenant_id: str, label: str) -> str:
    """The key's text."""
    scope = Scope.ADMIN if tenant_id == OPERATOR else Scope.TENANT
    async with _actors(settings) as (accounts, audit), _on_record(audit, "key.issue", f"{tenant_id}: {label}"):
        first = await _ask(accounts, FoundOperator()) if tenant_id == OPERATOR else None
        key: TenantKey = first or await _ask(accounts, IssueKey(tenant_id, (scope,), label))
        return key.api_key


async def revoked(settings: Settings, tenant_id: str, key_id: str) -> None:
    async with _actors(settings) as (accounts, audit), _on_record(audit, "key.revoke", without_tokens(key_id)):
        await _ask(accounts, RevokeKey(tenant_id, key_id))


@asynccontextmanager
async def _on_record(audit: pykka.ActorRef[Any], action: str, target: str) -> AsyncIterator[None]:
    """As an admin's act over HTTP: first it is written down, then it is done."""
    act: OnRecord = await _ask(audit, Act(action, target, "none given", OPERATOR, *BY_HAND))
    try:
        yield
    except KeyRefused as refused:
        await _ask(audit, ActRefused(act, OPERATOR, refused.code))
        raise


@asynccontextmanager
async def _actors(settings: Settings) -> AsyncIterator[tuple[pykka.ActorRef[Any], pykka.ActorRef[Any]]]:
    """Raises AlreadyOwned while a gateway runs: it holds the keys in memory, so ask it instead (`/api/keys`)."""
    database = settings.database
    owner = database.owned_by(f"Process {os.getpid()} (botloft keys)")
    try:
        store = database.opened()
        try:
            ledger, clock = Ledger(store), SystemClock()
            journal = Journal(ledger, interrupted(ledger), clock, settings.max_backlog)
            accounts = AccountsActor.start(
                ledger.streams_under(streams.TENANTS),
                journal,
                clock,
                KeyRing(),
                used_before=partial(used_before, ledger),
            )
            yield accounts, AuditActor.start(journal, clock)
            await journal.close(CLOSE_S)
        finally:
            store.close()
    finally:
        owner.release()


async def _ask(accounts: pykka.ActorRef[Any], message: object) -> Any:
    answer = await accounts.ask(message, block=False)
    if isinstance(answer, Refused):
        raise KeyRefused(answer)
    return answer
