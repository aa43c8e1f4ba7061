"""Stock aiogram in a process of its own: sends as many messages as each line on its input says, 32 at a time."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

import uvloop
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from ops.bench.sizes import CHATS, CONCURRENCY
from ops.sandbox.tokens import made_up

BOT_ID = 6_000_000_001


async def main(base_url: str) -> None:
    session = AiohttpSession(api=TelegramAPIServer.from_base(base_url))
    numbers = count()
    async with Bot(made_up(BOT_ID), session=session) as bot:

        async def send(until: int) -> None:
            while (number := next(numbers)) < until:
                await bot.send_message(1 + number % CHATS, f"Message {number} of a bare bot")

        done = 0
        print("ready", flush=True)
        while wanted := await asyncio.to_thread(sys.stdin.readline):
            numbers = count(done)
            done += int(wanted)
            await asyncio.gather(*(send(done) for _ in range(CONCURRENCY)))
            print("done", flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
