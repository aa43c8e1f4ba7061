"""Tenants and their keys: what opens what, and from when on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from io import StringIO
from typing import Any

import pykka
from rich.console import Console
from rich.pretty import Pretty

from actors.accounts import AccountsActor
from actors.key_ring import KeyRing
from actors.messages import (
    DescribeTenant,
    EndSessions,
    FoundOperator,
    IssueKey,
    ListKeys,
    ListTenants,
    RegisterTenant,
    RevokeKey,
    RotateKey,
    TenantInfo,
    TenantKey,
    WeighTenant,
)
from actors.runtime import stopped
from actors.weights import Weights
from domain.errors import StoreError, StoreUnavailable
from domain.events import KeyIssued, KeyRotated
from domain.keys import key_id_of, opens
from domain.refusal import Refused
from domain.streams import TENANTS, tenant_stream
from domain.tenant import NO_TENANT, OPERATOR, Scope
from tests.actors.waiting import answer_of, until
from tests.doubles import ManualClock, MemoryJournal
from tests.examples import NOON, after


class UsedBefore(dict[str, dict[str, datetime]]):
    """What an earlier process wrote down, or why it cannot be read."""

    error: StoreError | None = None

    def read(self, tenant_id: str) -> dict[str, datetime]:
        if self.error is not None:
            raise self.error
        return self.get(tenant_id, {})


class Accounts:
    def __init__(self, journal: MemoryJournal | None = None) -> None:
        self.journal = journal or MemoryJournal()
        self.keys, self.weights = KeyRing(), Weights()
        self.used_before = UsedBefore()
        self.actor: pykka.ActorRef[Any] = AccountsActor.start(
            [recorded for recorded in self.journal.log if recorded.stream.startswith(TENANTS)],
            self.journal,
            ManualClock(),
            self.keys,
            self.weights,
            used_before=self.used_before.read,
        )

    async def ask(self, message: object) -> Any:
        asked: Any = self.actor.ask(message, block=False)
        await until(lambda: asked.done() or self.journal.commit())
        await until(asked.done)
        return asked.get()

    def opens(self, key: TenantKey) -> bool:
        found = self.keys.find(key.key_id)
        return found is not None and opens(found, key.api_key)


def with_accounts(story: Callable[[Accounts], Awaitable[None]]) -> None:
    async def told() -> None:
        accounts = Accounts()
        await story(accounts)
        await stopped(accounts.actor)

    asyncio.run(told())


def test_a_new_tenant_gets_a_key_that_opens() -> None:
    async def story(accounts: Accounts) -> None:
        key = await accounts.ask(RegisterTenant("Acme"))

        assert isinstance(key, TenantKey)
        assert key.key_id == key_id_of(key.api_key)
        assert accounts.opens(key)
        found = accounts.keys.find(key.key_id)
        assert found is not None
        assert (key.tenant_id, (Scope.TENANT,)) == (found.tenant_id, found.scopes)
        assert 2 == key.position

    with_accounts(story)


def test_a_key_opens_nothing_before_it_is_on_disk() -> None:
    async def story(accounts: Accounts) -> None:
        accounts.journal.is_away = True
        asked: Any = accounts.actor.ask(RegisterTenant("Acme"), block=False)
        await answer_of(accounts.actor, ListKeys("nobody"))

        assert not asked.done()
        assert [] == list(accounts.keys._keys)  # noqa: SLF001  the key's id is not known yet
        accounts.journal.is_away = False
        accounts.journal.commit()
        assert accounts.opens(await asked)

    with_accounts(story)


def test_what_could_not_be_written_was_not_made() -> None:
    async def story(accounts: Accounts) -> None:
        first = await accounts.ask(RegisterTenant("Acme"))
        accounts.journal.somebody_else_wrote(tenant_stream(first.tenant_id))
        told = await accounts.ask(IssueKey(first.tenant_id, (Scope.TENANT,), "second"))

        assert isinstance(told, Refused)
        assert "store_unavailable" == told.code
        assert [first.key_id] == [key.key_id for key in await accounts.ask(ListKeys(first.tenant_id))]

    with_accounts(story)


def test_a_second_key_has_the_scopes_and_the_name_that_were_asked_for() -> None:
    async def story(accounts: Accounts) -> None:
        first = await accounts.ask(RegisterTenant("Acme"))
        second = await accounts.ask(IssueKey(first.tenant_id, (Scope.ANALYST,), "reports"))

        assert accounts.opens(first)
        assert accounts.opens(second)
        keys = await accounts.ask(ListKeys(first.tenant_id))
        assert [((Scope.TENANT,), "first"), ((Scope.ANALYST,), "reports")] == [(key.scopes, key.label) for key in keys]

    with_accounts(story)


def test_nobody_gets_a_key_for_a_tenant_that_does_not_exist() -> None:
    async def story(accounts: Accounts) -> None:
        told = await accounts.ask(IssueKey("nobody", (Scope.TENANT,), ""))

        assert isinstance(told, Refused)
        assert "not_found" == told.code

    with_accounts(story)


def test_a_revoked_key_opens_nothing_and_the_others_go_on() -> None:
    async def story(accounts: Accounts) -> None:
        first = await accounts.ask(RegisterTenant("Acme"))
        second = await accounts.ask(IssueKey(first.tenant_id, (Scope.TENANT,), ""))

        assert 4 == await accounts.ask(RevokeKey(first.tenant_id, first.key_id))
        assert [False, True] == [accounts.opens(first), accounts.opens(second)]

    with_accounts(story)


def test_the_last_key_cannot_be_revoked() -> None:
    async def story(accounts: Accounts) -> None:
        first = await accounts.ask(RegisterTenant("Acme"))
        told = await accounts.ask(RevokeKey(first.tenant_id, first.key_id))

        assert isinstance(told, Refused)
        assert accounts.opens(first)

    with_accounts(story)


def test_two_who_revoke_the_last_two_keys_at_once_leave_one() -> None:
    async def story(accounts: Accounts) -> None:
        first = await accounts.ask(RegisterTenant("Acme"))
        second = await accounts.ask(IssueKey(first.tenant_id, (Scope.TENANT,), ""))
        told = [accounts.actor.ask(RevokeKey(first.tenant_id, key.key_id), block=False) for key in (first, second)]
        await answer_of(accounts.actor, ListKeys("nobody"))
        accounts.journal.commit()

        assert 1 == len([answer for answer in [await one for one in told] if isinstance(answer, Refused)])
        assert 1 == len([key for key in (first, second) if accounts.opens(key)])

    with_accounts(story)


def test_another_tenants_key_cannot_be_revoked() -> None:
    async def story(accounts: Accounts) -> None:
        acme, globex = await accounts.ask(RegisterTenant("Acme")), await accounts.ask(RegisterTenant("Globex"))
        await accounts.ask(IssueKey(globex.tenant_id, (Scope.TENANT,), ""))
        told = await accounts.ask(RevokeKey(globex.tenant_id, acme.key_id))

        assert isinstance(told, Refused)
        assert "not_found" == told.code
        assert accounts.opens(acme)

    with_accounts(story)


def test_the_operator_is_found_once() -> None:
    async def story(accounts: Accounts) -> None:
        admin = await accounts.ask(FoundOperator())
        found = accounts.keys.find(admin.key_id)

        assert found is not None
        assert (OPERATOR, (Scope.ADMIN,)) == (found.tenant_id, found.scopes)
        assert None is await accounts.ask(FoundOperator())

    with_accounts(story)


def test_an_operator_who_only_gave_keys_to_analysts_is_still_given_an_admin_key() -> None:
    async def story(accounts: Accounts) -> None:
        analyst = await accounts.ask(IssueKey(OPERATOR, (Scope.ANALYST,), "for trends"))
        found = accounts.keys.find(analyst.key_id)

        assert found is not None
        assert (OPERATOR, (Scope.ANALYST,), "for trends") == (found.tenant_id, found.scopes, found.label)
        admin = await accounts.ask(FoundOperator())
        assert (Scope.ADMIN,) == accounts.keys.find(admin.key_id).scopes
        assert None is await accounts.ask(FoundOperator())
        assert accounts.opens(analyst)

    with_accounts(story)


def test_keys_are_known_again_after_a_restart() -> None:
    async def story(accounts: Accounts) -> None:
        first = await accounts.ask(RegisterTenant("Acme"))
        second = await accounts.ask(IssueKey(first.tenant_id, (Scope.TENANT,), ""))
        await accounts.ask(RevokeKey(first.tenant_id, first.key_id))
        again = Accounts(accounts.journal)

        assert [False, True] == [again.opens(first), again.opens(second)]
        assert isinstance(await again.ask(IssueKey(first.tenant_id, (Scope.TENANT,), "third")), TenantKey)
        await stopped(again.actor)

    with_accounts(story)


def test_no_key_is_in_the_log_or_in_any_picture_of_an_answer() -> None:
    async def story(accounts: Accounts) -> None:
        key = await accounts.ask(RegisterTenant("Acme"))
        secret = key.api_key.split("_")[2]
        screen = StringIO()
        Console(file=screen, width=500).print(Pretty(key), Pretty([key]))

        for shown in (repr(key), str(key), f"{[key]}", screen.getvalue(), repr(accounts.journal.log)):
            assert secret not in shown
            assert key.api_key not in shown
        (issued,) = accounts.journal.of(KeyIssued)
        assert isinstance(issued, KeyIssued)
        assert key.key_id in screen.getvalue()

    with_accounts(story)


def test_a_weight_counts_from_the_moment_in_which_it_is_on_disk_and_in_the_next_process_too() -> None:
    async def story(accounts: Accounts) -> None:
        acme = (await accounts.ask(RegisterTenant("Acme"))).tenant_id
        before = accounts.weights.of(acme)
        accounts.journal.is_away = True
        asked: Any = accounts.actor.ask(WeighTenant(acme, 3, "admin", "pays for it"), block=False)
        await answer_of(accounts.actor, ListKeys("nobody"))
        meanwhile = accounts.weights.of(acme)
        accounts.journal.is_away = False
        accounts.journal.commit()
        told = await asked

        assert (1, 1, 3, 1) == (before, meanwhile, accounts.weights.of(acme), accounts.weights.of("anybody else"))
        assert TenantInfo(acme, "Acme", 3, 1, NOON, told.position) == told
        next_process = Accounts(accounts.journal)
        assert 3 == next_process.weights.of(acme)
        await stopped(next_process.actor)
        await accounts.ask(WeighTenant(acme, 1, "admin", "paid for it"))
        assert 1 == accounts.weights.of(acme)

    with_accounts(story)


def test_tenants_are_listed_by_their_ids_page_by_page_and_without_the_operator() -> None:
    async def story(accounts: Accounts) -> None:
        await accounts.ask(FoundOperator())
        ids = sorted([(await accounts.ask(RegisterTenant(f"Tenant {n}"))).tenant_id for n in range(5)])
        first = await accounts.ask(ListTenants("", 2))
        rest = await accounts.ask(ListTenants(first[-1].tenant_id, 10))

        assert [ids[:2], ids[2:]] == [[one.tenant_id for one in page] for page in (first, rest)]
        assert first[0] == await accounts.ask(DescribeTenant(ids[0]))
        assert [NO_TENANT] * 2 == [await accounts.ask(DescribeTenant(one)) for one in (OPERATOR, "t_nobody")]

    with_accounts(story)


def test_a_rotation_is_one_commit_of_both_facts() -> None:
    async def story(accounts: Accounts) -> None:
        old = await accounts.ask(RegisterTenant("Acme"))
        accounts.journal.is_away = True
        asked: Any = accounts.actor.ask(RotateKey(old.tenant_id, old.key_id, 60), block=False)
        await answer_of(accounts.actor, ListKeys("nobody"))
        meanwhile = [key.successor_id for key in await answer_of(accounts.actor, ListKeys(old.tenant_id))]
        accounts.journal.is_away = False
        accounts.journal.commit()
        new = await asked

        assert [None] == meanwhile
        assert [KeyIssued, KeyRotated] == [type(event) for event in accounts.journal.events[-2:]]
        assert [True, True] == [accounts.opens(old), accounts.opens(new)]
        assert ((Scope.TENANT,), "first", None) == (new.scopes, new.label, new.expires_at)

    with_accounts(story)


def test_a_rotation_that_could_not_be_written_left_the_old_key_as_it_was() -> None:
    async def story(accounts: Accounts) -> None:
        old = await accounts.ask(RegisterTenant("Acme"))
        accounts.journal.somebody_else_wrote(tenant_stream(old.tenant_id))
        told = await accounts.ask(RotateKey(old.tenant_id, old.key_id, 0))

        assert "store_unavailable" == told.code
        assert accounts.opens(old)
        assert [None] == [key.successor_id for key in await accounts.ask(ListKeys(old.tenant_id))]

    with_accounts(story)


def test_expiry_successor_and_ended_sessions_are_known_again_after_a_restart() -> None:
    async def story(accounts: Accounts) -> None:
        old = await accounts.ask(RegisterTenant("Acme"))
        brief = await accounts.ask(IssueKey(old.tenant_id, (Scope.TENANT,), "brief", after(60)))
        new = await accounts.ask(RotateKey(old.tenant_id, old.key_id, 30))
        await accounts.ask(EndSessions(old.tenant_id, brief.key_id))
        again = Accounts(accounts.journal)
        found = [again.keys.find(key.key_id) for key in (old, brief, new)]

        assert [(after(30), new.key_id, 0), (after(60), None, 1), (None, None, 0)] == [
            (key.expires_at, key.successor_id, key.sessions) for key in found
        ]
        assert found == [accounts.keys.find(key.key_id) for key in (old, brief, new)]
        await stopped(again.actor)

    with_accounts(story)


def test_the_list_shows_the_last_use_of_this_process_and_else_what_was_written_down() -> None:
    async def story(accounts: Accounts) -> None:
        acme = await accounts.ask(RegisterTenant("Acme"))
        second, third = [await accounts.ask(IssueKey(acme.tenant_id, (Scope.TENANT,), "")) for _ in range(2)]
        written = {acme.key_id: after(-60), second.key_id: after(-30), "long gone": after(-5)}
        accounts.used_before.update({acme.tenant_id: written})
        accounts.keys.was_used(acme.key_id, after(-1))

        assert [after(-1), after(-30), None] == [
            key.last_used_at for key in await accounts.ask(ListKeys(acme.tenant_id))
        ]
        assert third.key_id

    with_accounts(story)


def test_a_list_whose_last_uses_cannot_be_read_is_not_told_as_if_there_were_none() -> None:
    async def story(accounts: Accounts) -> None:
        acme = await accounts.ask(RegisterTenant("Acme"))
        accounts.used_before.error = StoreUnavailable("gone")

        assert "store_unavailable" == (await accounts.ask(ListKeys(acme.tenant_id))).code

    with_accounts(story)
