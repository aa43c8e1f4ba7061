"""Services that fail start again by themselves; without those that cannot, the gateway stops in order and says why."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actors.messages import (
    BotChanged,
    ConfigureBot,
    DescribeAlerts,
    DescribeRetention,
    DescribeUpdates,
    ListNotices,
    Notify,
    PulledUpdates,
    PullUpdates,
    RegisterBot,
    RegisterTenant,
)
from actors.standing import Standing
from domain.hearing import Whose
from domain.rules.tokens import parse
from ops.sandbox.server import running as sandbox
from ops.serving import serve
from ops.settings import Settings
from ops.steward import FleetFailed
from ops.wiring import Loft, running
from tests.actors.waiting import until
from tests.examples import BOT_ID

UPDATE = b'{"update_id":7,"message":{"chat":{"id":5,"type":"private"},"text":"hello"}}'


class Nonsense:
    """No actor has a case for it."""


async def fails(service: Standing[object]) -> None:
    """And is back."""
    before = service.actor  # its very incarnation
    service.tell(Nonsense())
    await until(lambda: service.actor is not before)


async def a_tenant_with_a_bot(loft: Loft) -> str:
    tenant_id: str = (await loft.accounts.ask(RegisterTenant("Acme"), block=False)).tenant_id
    token = parse(f"{BOT_ID}:AAHexamplesAreNotSecretsAtAll_0123456")
    assert token is not None
    assert isinstance(await loft.fleet.ask(RegisterBot(tenant_id, token), block=False), BotChanged)
    return tenant_id


def test_each_service_that_fails_goes_on_with_what_the_log_holds(tmp_path: Path) -> None:
    async def story() -> None:
        async with sandbox(is_open=True) as telegram:
            settings = Settings(state_dir=tmp_path, telegram_api=telegram)
            async with running(settings) as loft:
                tenant_id = await a_tenant_with_a_bot(loft)
                wants = ConfigureBot(BOT_ID, tenant_id, {"updates": "polling"}, "tenant")
                await loft.fleet.ask(wants, block=False)
                loft.notices.tell(Notify(tenant_id, "bot_suspended", "for a test", BOT_ID))
                beside = loft.inbound.updates, loft.inbound.ownership
                for service in (loft.delivery, loft.notices, *beside, loft.alerts, loft.retention):
                    await fails(service)
                recorded = asyncio.get_running_loop().create_future()
                loft.inbound.doorstep.bring(Whose(BOT_ID, tenant_id), UPDATE, recorded.set_result)
                await recorded
                pulled = await loft.delivery.ask(PullUpdates(BOT_ID, tenant_id, "p1", None, 100, 5))
                notices = await loft.notices.ask(ListNotices(tenant_id, None, 10))
                hearing = await loft.inbound.updates.ask(DescribeUpdates(BOT_ID))
                alerts = await loft.alerts.ask(DescribeAlerts())
                retention = await loft.retention.ask(DescribeRetention())
                troubles = loft.troubles()

        assert isinstance(pulled, PulledUpdates)
        assert [UPDATE] == list(pulled.updates)
        assert ["for a test"] == [notice.detail for notice in notices]
        assert ("polling", "polling") == (hearing.wanted, hearing.state)
        assert ([], False, []) == (alerts, retention.running, troubles)

    asyncio.run(story())


def test_an_update_that_came_while_the_delivery_was_down_is_handed_out_when_it_is_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with sandbox(is_open=True) as api, running(Settings(state_dir=tmp_path, telegram_api=api)) as loft:
            tenant_id = await a_tenant_with_a_bot(loft)
            before = loft.delivery.actor
            loft.delivery.tell(Nonsense())
            await until(lambda: not before.is_alive())
            recorded = asyncio.get_running_loop().create_future()
            loft.inbound.doorstep.bring(Whose(BOT_ID, tenant_id), UPDATE, recorded.set_result)
            await recorded
            await until(lambda: loft.delivery.actor is not before)
            pulled = await loft.delivery.ask(PullUpdates(BOT_ID, tenant_id, "p1", None, 100, 0))

        assert [UPDATE] == list(pulled.updates)

    asyncio.run(story())


def test_when_the_supervisor_fails_the_gateway_stops_in_order_and_says_why(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, port=0)

    with pytest.raises(FleetFailed, match=r"the supervisor has failed \(TypeError\)"):
        asyncio.run(serve(settings, lambda _, loft: loft.fleet.tell(Nonsense())))
