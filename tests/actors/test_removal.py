"""A tenant that is removed: first the fact, then its bots, then its data key; and again until all of it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from actors.accounts import AccountsActor
from actors.incarnations import TOKEN_SHREDDED
from actors.key_ring import KeyRing
from actors.messages import (
    BotChanged,
    DescribeTenant,
    Drain,
    Durability,
    IssueKey,
    ListTenants,
    RegisterBot,
    RegisterTenant,
    RemoveBotsOf,
    RemoveTenant,
    ResumeBot,
    WeighTenant,
)
from actors.removal import AGAIN_S, Removals
from actors.runtime import stopped
from actors.weights import Weights
from domain import events as e
from domain.command import Outcome
from domain.errors import Shredded, StoreUnavailable
from domain.streams import TENANTS, bot_stream
from domain.tenant import NO_TENANT, OPERATOR, Scope
from tests.actors.fleets import Fleet, ended, on_a_loop
from tests.doubles import UNLIMITED, Delivered, a_registration
from tests.examples import BOT_ID, NOON, OTHER_BOT_ID, OTHER_TENANT, TENANT, a_token

WHY = "it left us"
ME = Delivered(b'{"id":7000000001,"first_name":"Examples","username":"examples_bot"}')


class Town:
    """Accounts beside a fleet, on one journal."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.keys, self.weights = KeyRing(), Weights()
        self.shredded: list[str] = []
        self.trouble: Exception | None = None
        history = [one for one in fleet.journal.log if one.stream.startswith(TENANTS)]
        removals = Removals(fleet.supervisor, self._shred, fleet.clock, fleet.timers)
        self.accounts = AccountsActor.start(history, fleet.journal, fleet.clock, self.keys, self.weights, removals)

    def _shred(self, *tenant_ids: str) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.shredded += tenant_ids

    def asks(self, message: object) -> asyncio.Future[Any]:
        async def answer() -> Any:
            return await self.accounts.ask(message, block=False)

        return asyncio.ensure_future(answer())

    async def told(self, message: object) -> Any:
        return await self.fleet.told(self.asks(message))

    async def with_a_bot(self) -> tuple[str, str]:
        """A new tenant's id, and its key's."""
        key = await self.told(RegisterTenant("Acme"))
        self.fleet.telegram.will(ME)
        registered = await self.fleet.told(self.fleet.ask(RegisterBot(key.tenant_id, a_token(BOT_ID))))
        assert isinstance(registered, BotChanged)
        return key.tenant_id, key.key_id


def in_town(story: Callable[[Town], Awaitable[None]], *bots: tuple[int, str]) -> None:
    async def told(fleet: Fleet) -> None:
        town = Town(fleet)
        await story(town)
        await stopped(town.accounts)

    on_a_loop(told, UNLIMITED, *(bots or ((OTHER_BOT_ID, OTHER_TENANT),)))


def test_first_the_fact_then_the_bots_then_the_key_and_only_then_the_answer() -> None:
    async def story(town: Town) -> None:
        acme, key_id = await town.with_a_bot()
        await town.told(WeighTenant(acme, 3, "admin", "pays for it"))
        town.fleet.journal.is_away = True
        asked = town.asks(RemoveTenant(acme, "admin", WHY))
        await town.fleet.rest()
        before = (town.keys.find(key_id) is not None, asked.done())
        town.fleet.journal.is_away = False
        position = await town.fleet.told(asked)

        assert (True, False) == before
        assert ["tenant-removed", "bot-removed"] == [
            topic for topic in town.fleet.topics() if topic.endswith("-removed")
        ]
        (removed,) = town.fleet.journal.of(e.BotRemoved)
        assert e.BotRemoved(occurred_at=NOON, bot_id=BOT_ID, tenant_id=acme, by="admin", reason=WHY) == removed
        assert removed == town.fleet.journal.log[position - 1].event
        assert [acme] == town.shredded
        assert (None, 1) == (town.keys.find(key_id), town.weights.of(acme))
        assert [] == await town.told(ListTenants("", 10))
        assert (OTHER_TENANT,) == town.fleet.slots[OTHER_BOT_ID].tenants

    in_town(story)


def test_what_was_removed_is_like_what_never_was() -> None:
    async def story(town: Town) -> None:
        acme, _ = await town.with_a_bot()
        await town.told(RemoveTenant(acme, "admin", WHY))
        messages = [
            RemoveTenant(acme, "admin", WHY),
            RemoveTenant("t_nobody", "admin", WHY),
            RemoveTenant(OPERATOR, "admin", WHY),
            DescribeTenant(acme),
            WeighTenant(acme, 3, "admin", WHY),
        ]

        assert [NO_TENANT] * 5 == [await town.told(message) for message in messages]
        assert "not_found" == (await town.told(IssueKey(acme, (Scope.TENANT,), ""))).code
        assert 1 == len(town.fleet.journal.of(e.TenantRemoved))

    in_town(story)


def test_while_the_key_cannot_be_destroyed_it_is_tried_again_and_nobody_is_told_that_it_was() -> None:
    async def story(town: Town) -> None:
        acme, _ = await town.with_a_bot()
        town.trouble = StoreUnavailable("away")
        asked = town.asks(RemoveTenant(acme, "admin", WHY))
        await town.fleet.until(lambda: town.fleet.journal.of(e.BotRemoved))
        await town.fleet.advance(AGAIN_S * 3)
        told_too_soon = asked.done()
        town.trouble = None
        await town.fleet.until(town.fleet.timers.next)
        while not asked.done():
            await town.fleet.advance(AGAIN_S)

        assert not told_too_soon
        assert [acme] == town.shredded
        assert 1 == len(town.fleet.journal.of(e.BotRemoved))

    in_town(story)


def test_the_next_process_finishes_what_was_begun() -> None:
    async def story(town: Town) -> None:
        acme, key_id = await town.with_a_bot()
        removed = e.TenantRemoved(occurred_at=NOON, tenant_id=acme, by="admin", reason=WHY)
        town.fleet.journal.note(removed, stream=f"{TENANTS}{acme}")
        town.fleet.journal.commit()
        next_process = Town(Fleet(after=town.fleet))
        await next_process.fleet.until(lambda: next_process.shredded)

        assert [acme] == next_process.shredded
        assert WHY == getattr(next_process.fleet.journal.of(e.BotRemoved)[0], "reason", None)
        assert None is next_process.keys.find(key_id)
        await stopped(next_process.accounts)
        await next_process.fleet.is_over()

    in_town(story)


def test_a_removal_that_was_finished_is_on_record_and_no_process_ever_does_it_again() -> None:
    async def story(town: Town) -> None:
        acme, _ = await town.with_a_bot()
        await town.told(RemoveTenant(acme, "admin", WHY))
        town.fleet.journal.commit()
        next_process = Town(Fleet(after=town.fleet))
        globex, _ = await next_process.with_a_bot()
        await next_process.told(RemoveTenant(globex, "admin", WHY))

        assert [acme] == [event.tenant_id for event in town.fleet.journal.of(e.TenantShredded)]
        assert [globex] == next_process.shredded
        await stopped(next_process.accounts)
        await next_process.fleet.is_over()

    in_town(story)


def test_claims_are_withdrawn_waiting_commands_cancelled_and_the_bots_of_others_go_on() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.journal.write(bot_stream(OTHER_BOT_ID), 1, (claim(OTHER_BOT_ID, TENANT),))
        fleet.journal.commit()
        fleet.slots[OTHER_BOT_ID].tenants = (OTHER_TENANT, TENANT)
        fleet.telegram.waits()
        first, second = fleet.say("under way"), fleet.say("waits for it")
        await fleet.until(lambda: fleet.telegram.out)
        position = await fleet.told(fleet.ask(RemoveBotsOf({TENANT: WHY})))
        fleet.telegram.out[0].gets(Delivered(b"{}"))

        assert [("delivered", ""), ("not_sent", "cancelled")] == [ended(one) for one in await fleet.told(first, second)]
        assert [(), (OTHER_TENANT,)] == [fleet.slots[one].tenants for one in (BOT_ID, OTHER_BOT_ID)]
        assert 1 == len(fleet.journal.of(e.ChallengeWithdrawn))
        assert 1 <= position <= len(fleet.journal.log)
        assert 0 == await fleet.told(fleet.ask(RemoveBotsOf({TENANT: WHY})))

    on_a_loop(story, UNLIMITED, (BOT_ID, TENANT), (OTHER_BOT_ID, OTHER_TENANT))


def claim(bot_id: int, tenant_id: str) -> e.OwnershipChallenged:
    own = a_registration(bot_id, tenant_id)
    return e.OwnershipChallenged(
        occurred_at=NOON,
        bot_id=bot_id,
        tenant_id=tenant_id,
        username=own.username,
        first_name=own.first_name,
        token_sealed=own.token_sealed,
        token_fingerprint=own.token_fingerprint,
    )


def test_who_registers_a_bot_while_it_is_removed_gets_none() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        asks_telegram = fleet.ask(RegisterBot(TENANT, a_token(BOT_ID)))
        await fleet.until(lambda: fleet.telegram.out)
        await fleet.told(fleet.ask(RemoveBotsOf({TENANT: WHY})))
        fleet.telegram.out[0].gets(ME)

        assert NO_TENANT == await fleet.told(asks_telegram)
        assert [] == fleet.journal.of(e.BotRegistered)[1:]

    on_a_loop(story, UNLIMITED, (OTHER_BOT_ID, OTHER_TENANT))


def test_a_bot_that_is_just_being_registered_is_removed_again() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.will(ME)
        fleet.shelf.may_read.clear()
        registers = fleet.ask(RegisterBot(TENANT, a_token(BOT_ID)))
        await fleet.until(lambda: fleet.slots.get(BOT_ID) and fleet.slot.parked)
        removes = fleet.ask(RemoveBotsOf({TENANT: WHY}))
        await fleet.rest()
        fleet.shelf.may_read.set()
        await fleet.told(registers, removes)

        assert 1 == len(fleet.journal.of(e.BotRemoved))
        assert () == fleet.slot.tenants

    on_a_loop(story, UNLIMITED, (OTHER_BOT_ID, OTHER_TENANT))


def test_a_process_that_stops_removes_nothing_and_says_so() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.ask(Drain(0.0)))

        assert "shutting_down" == (await fleet.told(fleet.ask(RemoveBotsOf({TENANT: WHY})))).code

    on_a_loop(story)


def test_a_bot_whose_token_nobody_can_open_is_suspended_sends_nothing_and_can_be_removed() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.shelf.is_shredded = True
        told = await fleet.told(fleet.say("hello"))
        await fleet.told(fleet.ask(ResumeBot(BOT_ID, TENANT, "tenant")))
        again = await fleet.told(fleet.say("hello again"))

        assert [("not_sent", "bot_suspended")] * 2 == [ended(told), ended(again)]
        (suspended,) = fleet.journal.of(e.BotSuspended)
        assert TOKEN_SHREDDED == getattr(suspended, "reason", "")
        assert [] == fleet.telegram.calls
        assert [] == fleet.journal.of(e.ActorFailed)
        await fleet.told(fleet.ask(RemoveBotsOf({TENANT: WHY})))
        assert () == fleet.slot.tenants

    on_a_loop(story)


def test_an_outcome_that_comes_after_the_key_is_gone_is_recorded_without_its_result() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        asked = fleet.say("late", durability=Durability("0" * 64))
        await fleet.until(lambda: fleet.telegram.out)
        fleet.sealing = refuses
        fleet.telegram.out[0].gets(Delivered(b'{"message_id":1}'))
        told = await fleet.told(asked)

        assert isinstance(told, Outcome)
        assert ("delivered", b'{"message_id":1}') == (told.final, told.result)
        (delivered,) = fleet.journal.of(e.CommandDelivered)
        assert None is getattr(delivered, "result_sealed", b"")
        assert [] == fleet.journal.of(e.ActorFailed)

    on_a_loop(story)


def refuses(tenant_id: str, purpose: str, plain: bytes) -> bytes:
    del purpose, plain
    raise Shredded(f"Tenant {tenant_id}.")
