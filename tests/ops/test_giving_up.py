"""A bot whose actor fails again and again: given up, told once, and everybody else goes on."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uuid_utils
from aiohttp import web

from actors.messages import Execute, RegisterBot, RegisterTenant
from actors.telegram import Telegram
from domain.command import Command, Outcome
from domain.events import ActorFailed, ActorRestarted, AlertRaised, BotSuspended
from domain.failure import Answer
from domain.rules.tokens import Token, parse
from ops.sandbox.server import running as sandbox
from ops.settings import Settings
from ops.wiring import Loft, running

SECRET = "what the operator's end of the line knows"
FAILING, SOUND = 1_000_001, 1_000_002


class Exploding(Telegram):
    """Where one bot's calls go, its actor fails: an error of ours, as no answer of Telegram's can be."""

    def call(
        self,
        token: Token,
        method: str,
        parameters: Mapping[str, object],
        timeout_s: float,
        then: Callable[[Answer], None],
    ) -> None:
        if token.bot_id == FAILING:
            raise ZeroDivisionError("a bug")
        super().call(token, method, parameters, timeout_s, then)


def get_me(bot_id: int, tenant_id: str) -> Execute:
    return Execute(
        Command(
            command_id=str(uuid_utils.uuid7()),
            bot_id=bot_id,
            tenant_id=tenant_id,
            method="getMe",
            parameters={},
            chat=None,
            received_at=datetime.now(UTC),
            deadline_s=20,
        )
    )


async def with_two_bots(loft: Loft) -> str:
    tenant_id: str = (await loft.accounts.ask(RegisterTenant("Acme"), block=False)).tenant_id
    for bot_id in (FAILING, SOUND):
        token = parse(f"{bot_id}:AAHexamplesAreNotSecretsAtAll_0123456")
        assert token is not None
        await loft.fleet.ask(RegisterBot(tenant_id, token), block=False)
    return tenant_id


async def given_up(state: Path) -> tuple[Outcome, Outcome, list[tuple[dict[str, str], bytes]], list[type[Any]]]:
    posted: list[tuple[dict[str, str], bytes]] = []
    told = asyncio.Event()

    async def taken(request: web.Request) -> web.Response:
        posted.append((dict(request.headers), await request.read()))
        told.set()
        return web.Response()

    operator = web.Application()
    operator.router.add_post("/alerts", taken)
    runner = web.AppRunner(operator)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with sandbox(is_open=True) as telegram:
            settings = Settings(
                state_dir=state,
                telegram_api=telegram,
                alert_url=f"http://127.0.0.1:{runner.addresses[0][1]}/alerts",
                alert_secret=SECRET,
            )
            async with running(settings, telegram=lambda: Exploding(telegram, 10)) as loft:
                tenant_id = await with_two_bots(loft)
                failing = loft.fleet.ask(get_me(FAILING, tenant_id), block=False)
                sound = await loft.fleet.ask(get_me(SOUND, tenant_id), block=False)
                async with asyncio.timeout(20):
                    await told.wait()
                    ended = await failing
                recorded = [type(one.event) for one in loft.ledger.read(0, 1000)]
    finally:
        await runner.cleanup()
    return ended, sound, posted, recorded


def test_it_is_suspended_its_command_ends_and_the_operator_is_told_once(tmp_path: Path) -> None:
    ended, sound, posted, recorded = asyncio.run(given_up(tmp_path))
    headers, body = posted[0]
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()

    assert sound.final == "delivered"
    assert ended.final in ("not_sent", "uncertain")
    assert recorded.count(ActorFailed) == 6
    assert recorded.count(ActorRestarted) == 6
    assert recorded.count(BotSuspended) == 1
    assert recorded.count(AlertRaised) == 1
    assert len(posted) == 1
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body)["type"] == "alert.raised"
    assert "failed 6 times in a minute (ZeroDivisionError)" in json.loads(body)["detail"]
