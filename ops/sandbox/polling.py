"""getUpdates: what waits is answered at once, else the call waits for it, and a newer call ends an older one."""

from __future__ import annotations

import asyncio

from ops.sandbox import params as p
from ops.sandbox.errors import OTHER_POLL, WEBHOOK_IS_ACTIVE, Refusal
from ops.sandbox.inbox import Update
from ops.sandbox.params import Params
from ops.sandbox.world import Bot

TIMEOUT_S_MAX = 50
LIMIT_MAX = 100
ARRIVED = ""


async def get_updates(bot: Bot, params: Params, gone: asyncio.Future[None]) -> list[Update]:
    """`gone` ends the wait early: nobody is there to read the answer."""
    if bot.webhook is not None:
        raise Refusal(409, WEBHOOK_IS_ACTIVE)
    if bot.poll is not None and not bot.poll.done():
        bot.poll.set_result(OTHER_POLL)
    if "allowed_updates" in params:
        bot.inbox.allow(p.strings(params, "allowed_updates"))
    bot.inbox.confirm_from(p.integer(params, "offset"))
    limit = p.integer(params, "limit", LIMIT_MAX)
    limit = limit if 1 <= limit <= LIMIT_MAX else LIMIT_MAX
    timeout_s = min(max(p.integer(params, "timeout"), 0), TIMEOUT_S_MAX)
    if timeout_s and not bot.inbox.pending:
        await _wait(bot, timeout_s, gone)
    return bot.inbox.oldest(limit)


async def _wait(bot: Bot, timeout_s: float, gone: asyncio.Future[None]) -> None:
    poll = bot.poll = asyncio.get_running_loop().create_future()
    bot.inbox.on_arrival = lambda _: None if poll.done() else poll.set_result(ARRIVED)
    await asyncio.wait((poll, gone), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    if poll.done() and poll.result() != ARRIVED:
        raise Refusal(409, poll.result())
    if bot.poll is poll:
        bot.poll = bot.inbox.on_arrival = None
