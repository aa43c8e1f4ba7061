"""Every bot that hears of its users, or has something of ours at Telegram: one ear each.

The one writer of the streams `updates/<bot_id>`. What comes in is heard from here by `Arrived` alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import structlog

from actors.doorstep import Address
from actors.draining import SHUTTING_DOWN
from actors.ear import Ear, wish_of
from actors.hearing import Tools
from actors.messages import DescribeUpdates, RotateWebhook, UpdatesState
from actors.runtime import LoopActor
from domain.bot import Bot
from domain.errors import StoreError
from domain.hearing import DEAF, Hearing, Whose
from domain.refusal import Refused
from domain.rules.tokens import Token

READ_AGAIN_S = 5.0
NO_WEBHOOK = Refused("not_found", 'The bot has no webhook. PATCH it with {"updates": "webhook"} first.')
NOT_ROTATED = Refused(
    "telegram_unreachable",
    "Telegram has not taken the new address yet; it is told again by itself. Look in a while.",
    5.0,
)

log = structlog.get_logger()

Looked = tuple[Token | None, float | None]
LookUp = Callable[[int], Looked]
"""A bot's token, that of its former owner where it has none, and when its newest update came. Blocks."""


class Followed:
    """A bot's life has changed, and the change is on disk."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot


class UpdatesActor(LoopActor):
    def __init__(
        self,
        tools: Tools,
        look_up: LookUp,
        bots: Iterable[Bot],
        hearings: dict[int, tuple[Hearing, Address | None]],
    ) -> None:
        """`hearings`: what earlier processes have left at Telegram."""
        super().__init__()
        self._tools = replace(tools, settled=lambda bot_id: self.actor_ref.tell(Settled(bot_id)))
        self._look_up = look_up
        self._hearings = hearings
        self._ears: dict[int, Ear] = {}
        self._newest: dict[int, Bot] = {}
        self._is_silent = False
        self._first = [bot for bot in bots if wish_of(bot) != "off" or bot.bot_id in hearings]
        for bot in self._first:
            tools.doorstep.meet(bot)
            hearing, address = hearings.get(bot.bot_id, (DEAF, None))
            if address is not None and bot.owner is not None and bot.owner.tenant_id == hearing.tenant_id:
                # Before anything is listened to: what Telegram brings in the first second is welcome.
                tools.doorstep.put_up(Whose(bot.bot_id, hearing.tenant_id), address)

    def on_start(self) -> None:
        self.actor_ref.tell(Begin())

    def on_stop(self) -> None:
        for ear in self._ears.values():
            ear.abandon()

    def on_receive(self, message: object) -> Any:
        match message:
            case Followed():
                return self._follow(message.bot)
            case Begin():
                return self._begin()
            case DescribeUpdates():
                ear = self._ears.get(message.bot_id)
                return ear.described() if ear is not None else UpdatesState(message.bot_id, "off", "off")
            case RotateWebhook():
                return self._rotate(message)
            case Settled():
                return self._settled(message.bot_id)
            case Silence():
                self._is_silent = True
                return self.spawn(_stopped(list(self._ears.values())))
            case _:
                raise TypeError(f"UpdatesActor has no case for {type(message).__name__}")

    def _begin(self) -> None:
        for bot in self._first:
            if bot.bot_id not in self._newest:
                self._follow(bot)
        self._first = []

    def _follow(self, bot: Bot) -> None:
        is_wanted = wish_of(bot) != "off"
        if not is_wanted and bot.bot_id not in self._ears and bot.bot_id not in self._hearings:
            return
        self._tools.doorstep.meet(bot)
        known = self._newest.get(bot.bot_id)
        if known is not None and _heard_of(known) == _heard_of(bot):
            return  # of its breaker or its pace: no reason to end a poll
        self._newest[bot.bot_id] = bot
        ear = self._ears.get(bot.bot_id)
        if ear is not None and known is not None and _tenant_of(known) != _tenant_of(bot):
            # Before its new token is read: nothing more comes in for a tenant that has it no longer.
            ear.hushes()
        self.beside(self._looked_up(bot.bot_id), lambda found: self._found(bot, found))

    def _found(self, bot: Bot, found: Looked) -> None:
        if self._is_silent or self._newest.get(bot.bot_id) is not bot:
            return  # it has changed again meanwhile, or the process ends
        ear = self._ears.get(bot.bot_id)
        token, earlier_at = found
        if ear is None:
            hearing, address = self._hearings.pop(bot.bot_id, (DEAF, None))
            ear = self._ears[bot.bot_id] = Ear(bot.bot_id, self._tools, hearing, address)
            ear.earlier_at = earlier_at
        ear.follow(bot, token)

    async def _looked_up(self, bot_id: int) -> Looked:
        while True:
            try:
                return await asyncio.to_thread(self._look_up, bot_id)
            except StoreError as error:
                log.warning("ear_waits", bot_id=bot_id, reason=type(error).__name__)
                await asyncio.sleep(READ_AGAIN_S)

    def _rotate(self, message: RotateWebhook) -> Any:
        ear, bot = self._ears.get(message.bot_id), self._newest.get(message.bot_id)
        if ear is None or bot is None or bot.owner is None or bot.owner.tenant_id != message.tenant_id:
            return NO_WEBHOOK
        if self._is_silent:
            return SHUTTING_DOWN
        if ear.way not in ("webhook", "auto"):
            return NO_WEBHOOK
        return self.spawn(ear.rotate(), lambda is_known: ear.described() if is_known else NOT_ROTATED)

    def _settled(self, bot_id: int) -> None:
        ear = self._ears.get(bot_id)
        # It may be wanted again by now, and its token just being read.
        if ear is not None and ear.wanted == "off" and wish_of(self._newest[bot_id]) == "off":
            del self._ears[bot_id]
            del self._newest[bot_id]
            self._tools.doorstep.forget(bot_id)


class Settled:
    """A bot hears nothing any more, and nothing of ours is left at Telegram."""

    def __init__(self, bot_id: int) -> None:
        self.bot_id = bot_id


class Begin:
    """The first message."""


class Silence:
    """The process ends: nothing is fetched any more. What is at Telegram stays there for the next one."""


def _heard_of(bot: Bot) -> tuple[object, ...]:
    """All of a bot that an ear has to do with."""
    fingerprint = bot.owner.token_fingerprint if bot.owner else ""
    return wish_of(bot), bot.config.allowed_updates, _tenant_of(bot), fingerprint


def _tenant_of(bot: Bot) -> str:
    return bot.owner.tenant_id if bot.owner else ""


async def _stopped(ears: list[Ear]) -> None:
    await asyncio.gather(*(ear.stop() for ear in ears))
