"""The Bot API face: from a path with a token in it to an answer, through faults and flood limits."""

from __future__ import annotations

import asyncio
import random
import time

import msgspec
from aiohttp import web

from ops.sandbox import errors
from ops.sandbox.calls import Call
from ops.sandbox.copying import COPYING
from ops.sandbox.faults import WITHOUT_EFFECT
from ops.sandbox.methods import execute
from ops.sandbox.misbehaviour import spoil
from ops.sandbox.names import METHODS
from ops.sandbox.params import Params, chat_id_in
from ops.sandbox.polling import get_updates
from ops.sandbox.replies import Reply, refusal, success
from ops.sandbox.request import parameters_of
from ops.sandbox.sandbox import Sandbox
from ops.sandbox.sending import SENDING
from ops.sandbox.world import Bot

PREFIX = "/bot"
COUNTED_BY_FLOOD = SENDING.keys() | COPYING.keys()
UNKNOWN_METHOD = "unknown"
"""Written down instead of a name that Telegram has not: whatever stood in the path, it may be a secret."""

MOVES_THE_WEBHOOK = {"setWebhook", "deleteWebhook"}


class Asked(msgspec.Struct):
    """A call that has a bot and a method, and is written down."""

    bot: Bot
    method: str
    params: Params
    call: Call


async def answer(sandbox: Sandbox, request: web.BaseRequest) -> web.StreamResponse:
    token, _, name = request.path.removeprefix(PREFIX).partition("/")
    if not name:
        return refusal(errors.not_found()).response()
    params: Params = {}
    unreadable = None
    try:
        params = await parameters_of(request)
    except errors.Refusal as refused:
        unreadable = refused
    bot, method = sandbox.world.bot_of(token), METHODS.get(name.lower())
    bot_id = sandbox.world.known_id(token) if bot is None else bot.bot_id
    call = sandbox.calls.arrived(bot_id, method or UNKNOWN_METHOD, chat_id_in(params.get("chat_id")))
    if bot is None:
        why = errors.unauthorized()
    elif method is None:
        why = errors.method_not_found()
    elif unreadable is not None:
        why = unreadable
    else:
        return await _counted(sandbox, request, Asked(bot, method, params, call))
    return _answered(call, refusal(why))


async def _counted(sandbox: Sandbox, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
    # A waiting poll is no load: counting it would hide how many calls are worked on at once.
    if asked.method == "getUpdates":
        return await _handled(sandbox, request, asked)
    sandbox.calls.begin()
    try:
        return await _handled(sandbox, request, asked)
    finally:
        sandbox.calls.end()


async def _handled(sandbox: Sandbox, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
    call = asked.call
    struck = sandbox.faults.strike(asked.bot.bot_id, asked.method, call.chat_id, random.random)
    call.fault = struck.kind
    if struck.latency_ms:
        await asyncio.sleep(struck.latency_ms / 1000)
    gone = sandbox.connections.gone(request.protocol)
    fault, reply = struck.fault, None
    if fault is None or fault.kind not in WITHOUT_EFFECT:
        reply = await _performed(sandbox, asked, gone)
        call.effect = reply.effect
    if fault is None and reply is not None:
        return _answered(call, reply)
    spoilt = None if fault is None else await spoil(fault, request, reply, gone)
    # Of an answer that is None nothing more can be sent: aiohttp drops this one on the closed connection.
    return web.Response() if spoilt is None else _answered(call, spoilt)


def _answered(call: Call, reply: Reply) -> web.Response:
    call.status = reply.status
    return reply.response()


async def _performed(sandbox: Sandbox, asked: Asked, gone: asyncio.Future[None]) -> Reply:
    try:
        _refuse_a_flood(sandbox, asked)
        if asked.method == "getUpdates":
            return success(await get_updates(asked.bot, asked.params, gone))
        result = execute(sandbox.world, asked.bot, asked.method, asked.params)
    except errors.Refusal as refused:
        return refusal(refused)
    if asked.method in MOVES_THE_WEBHOOK:
        sandbox.couriers.follow(asked.bot)
    return success(result)


def _refuse_a_flood(sandbox: Sandbox, asked: Asked) -> None:
    chat_id = asked.call.chat_id
    if sandbox.flood is None or chat_id is None or asked.method not in COUNTED_BY_FLOOD:
        return
    wait_s = sandbox.flood.retry_after(asked.bot.bot_id, chat_id, time.monotonic())
    if wait_s is not None:
        raise errors.too_many_requests(wait_s)
