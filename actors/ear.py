"""How one bot hears: it does what its tenant wants (off, polling, webhook, auto), one task at a time.

The bot's own actor has no part in it, so updates wake nobody. When the bot changes the task is cancelled and another
begins: what Telegram was told meanwhile is asked of Telegram, and what was not confirmed is brought again.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from actors.doorstep import Address
from actors.hearing import Tools, waited
from actors.messages import UpdatesState
from actors.polling import Poller
from actors.watchdog import Watchdog
from actors.webhook import Webhook
from actors.webhook_story import ALERTS, DARK, FOREIGN, RIVAL, STOLEN
from domain.bot import Bot, Status
from domain.hearing import Hearing, Whose
from domain.rules.tokens import Token

FAILED_AGAIN_S = 60.0
WITHOUT_ADDRESS = {"off": "off", "polling": "polling", "auto": "polling", "webhook": "none"}
CLEARED = {"off": ALERTS, "none": (), "polling": (DARK, STOLEN), "webhook": (FOREIGN, RIVAL), "auto": ()}
"""What is no trouble any more, whatever it was, for a bot that hears so."""

log = structlog.get_logger()


class Ear:
    def __init__(self, bot_id: int, tools: Tools, hearing: Hearing, address: Address | None) -> None:
        self.bot_id = bot_id
        self.wanted = "off"
        self.earlier_at: float | None = None
        """When the newest update came that an earlier process has recorded."""
        self._tools = tools
        self._webhook = Webhook(bot_id, tools, hearing, address)
        self._poller = Poller(tools, self._webhook)
        self._watchdog = Watchdog(self._webhook, self._poller, tools)
        self._task: asyncio.Task[Any] | None = None
        self._is_over = False

    def follow(self, bot: Bot, token: Token | None) -> None:
        """What the bot is from now on. Without a token the one that it had is used, to clean up."""
        self.wanted = wish_of(bot)
        self._webhook.token = token or self._webhook.token
        self._webhook.allowed = bot.config.allowed_updates or ()
        if bot.owner is None:
            self._webhook.shut()
        elif self.wanted != "off":
            self._webhook.whose = Whose(self.bot_id, bot.owner.tenant_id)
        self._begin()

    def hushes(self) -> None:
        """Nothing comes in any more, until it is told what the bot is now."""
        self._webhook.shut()
        if self._task is not None:
            self._task.cancel()

    def described(self) -> UpdatesState:
        last_at = self._tools.doorstep.last_at(self.bot_id) or self.earlier_at
        return UpdatesState(self.bot_id, self.wanted, self._state(), last_at)

    async def rotate(self) -> bool:
        """A new address; whether Telegram knows it now. The old one is good until it does.

        Where the bot changes meanwhile, or its ear stops, whoever asked waits no longer.
        """
        await self._paused()
        if self._is_over:
            return False
        rotating = self._task = asyncio.get_running_loop().create_task(self._webhook.rotate())
        await asyncio.wait((rotating,))
        if rotating.cancelled():
            return False
        if self._task is rotating:
            self._begin()
        is_known: bool = rotating.result()
        return is_known

    async def stop(self) -> None:
        """For good."""
        self._is_over = True
        await self._paused()

    def abandon(self) -> None:
        """Stops for good, and does not wait: whoever owned it has failed."""
        self._is_over = True
        if self._task is not None:
            self._task.cancel()

    @property
    def way(self) -> str:
        """Without a public address there is nothing but polling: it may have been taken out of the settings."""
        return WITHOUT_ADDRESS[self.wanted] if self._tools.public_url is None else self.wanted

    def _state(self) -> str:
        stopped = self._webhook.stopped or self._poller.stopped
        if self.wanted == "off":
            return "off"
        if self.way != "polling" and self._webhook.hearing.polls:
            return "falling back"
        return f"stopped: {stopped}" if stopped else "polling" if self.way == "polling" else "webhook"

    def _begin(self) -> None:
        if self._is_over:
            return
        before = self._task
        if before is not None:
            # Now: the next task may be cancelled before it has run at all.
            before.cancel()
        self._task = asyncio.get_running_loop().create_task(self._lives(before))

    async def _paused(self) -> None:
        # Another may begin while this one ends.
        while (task := self._task) is not None:
            self._task = None
            task.cancel()
            await asyncio.wait((task,))

    async def _lives(self, before: asyncio.Task[Any] | None) -> None:
        if before is not None:
            await asyncio.wait((before,))
        while True:
            try:
                await self._hears()
            except Exception as error:  # noqa: BLE001  one bot's trouble is no other's, and its text may tell a secret
                log.warning("ear_failed", bot_id=self.bot_id, error=type(error).__name__)
                await waited(self._tools.ports, FAILED_AGAIN_S)
            else:
                return

    async def _hears(self) -> None:
        self._webhook.stopped = self._poller.stopped = None
        self._webhook.cleared(*CLEARED[self.way])
        if self.way in ("off", "polling") or self._webhook.is_another_tenant_s:
            await self._webhook.taken_away()
        if self.way == "off":
            self._tools.settled(self.bot_id)
        elif self.way == "polling":
            await self._poller.run()
        elif self.way == "none":
            self._webhook.stopped = "the gateway has no public address"
        else:
            await self._by_webhook()

    async def _by_webhook(self) -> None:
        self._webhook.open()
        if self._webhook.is_another_token_s:
            await self._webhook.rotate()
        while True:
            if not self._webhook.hearing.polls or self.way == "webhook":
                await self._watchdog.watches(falls_back=self.way == "auto")
            await self._watchdog.polls_instead()


def wish_of(bot: Bot) -> str:
    if bot.owner is None or bot.status_for(bot.owner.tenant_id) is not Status.ACTIVE:
        return "off"
    return bot.config.updates or "off"
