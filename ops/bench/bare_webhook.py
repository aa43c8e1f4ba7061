"""Stock aiogram in a process of its own: its handler of many bots' webhooks, and messages are heard by nobody."""

from __future__ import annotations

import asyncio

import uvloop
from aiogram import Dispatcher
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import TokenBasedRequestHandler
from aiohttp import web

PATH = "/webhook/{bot_token}"


async def heard(_: Message) -> None:
    """As little as can be done."""


async def main() -> None:
    dispatcher, application = Dispatcher(), web.Application()
    dispatcher.message.register(heard)
    TokenBasedRequestHandler(dispatcher).register(application, PATH)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
