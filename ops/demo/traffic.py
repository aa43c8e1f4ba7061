"""What the demo's bots are told to do: many private chats, a few edits and looks, and two chats that mean trouble."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import aiohttp

from ops.demo.caller import OK, Bot, Caller

COMMANDS_PER_S = (5.0, 4.0, 3.0, 4.0)
"""Of each bot: 16 together, well below what the fleet may."""
CHATS = range(1001, 1201)
HURRIED_CHAT = 4001
BLOCKED_CHAT = 4003
DEADLINE_S = 5.0
IMPATIENT_S = 1.5
OPEN_MAX = 50
LAST_ANSWERS_S = 2 * DEADLINE_S
REMEMBERED = 50

KINDS = {"write": 66, "edit": 12, "type": 8, "look": 6, "hurry": 5, "bother": 3}
"""How often of a hundred."""


class Told(NamedTuple):
    method: str
    parameters: dict[str, object]
    deadline_s: float = DEADLINE_S


class Traffic:
    def __init__(self, caller: Caller, bots: Sequence[Bot], chance: random.Random) -> None:
        self._caller = caller
        self._chance = chance
        self._open: set[asyncio.Task[None]] = set()
        self._sent: dict[int, deque[tuple[int, int]]] = {bot.bot_id: deque(maxlen=REMEMBERED) for bot in bots}
        self._senders = [
            asyncio.create_task(self._send_on(bot, per_s)) for bot, per_s in zip(bots, COMMANDS_PER_S, strict=True)
        ]

    async def ended(self) -> None:
        """Nothing new is sent; what is out gets its answer."""
        for sender in self._senders:
            sender.cancel()
        await asyncio.wait(self._senders)
        if self._open:
            await asyncio.wait(self._open, timeout=LAST_ANSWERS_S)

    def abandoned(self) -> None:
        for task in (*self._senders, *self._open):
            task.cancel()

    async def _send_on(self, bot: Bot, per_s: float) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(per_s))
            if len(self._open) < OPEN_MAX:
                task = asyncio.create_task(self._tell(bot, self._next(bot)))
                self._open.add(task)
                task.add_done_callback(self._open.discard)

    async def _tell(self, bot: Bot, told: Told) -> None:
        # A gateway that has died is noticed by who started it.
        with suppress(aiohttp.ClientError):
            answer = await self._caller.command(bot, told.method, told.parameters, told.deadline_s)
            if answer.status == OK and told.method == "sendMessage":
                self._remember(bot, answer.content["result"])

    def _remember(self, bot: Bot, message: dict[str, Any]) -> None:
        self._sent[bot.bot_id].append((message["chat"]["id"], message["message_id"]))

    def _next(self, bot: Bot) -> Told:
        (kind,) = self._chance.choices(list(KINDS), list(KINDS.values()))
        chat, text = self._chance.choice(CHATS), f"Parcel {self._chance.randrange(10**6):06} is on its way."
        sent = self._sent[bot.bot_id]
        match kind:
            case "edit" if sent:
                to, message_id = self._chance.choice(sent)
                return Told("editMessageText", {"chat_id": to, "message_id": message_id, "text": text})
            case "type":
                return Told("sendChatAction", {"chat_id": chat, "action": "typing"})
            case "look":
                return Told("getMe", {})
            case "hurry":
                return Told("sendMessage", {"chat_id": HURRIED_CHAT, "text": text}, IMPATIENT_S)
            case "bother":
                return Told("sendMessage", {"chat_id": BLOCKED_CHAT, "text": text})
            case _:
                return Told("sendMessage", {"chat_id": chat, "text": text})
