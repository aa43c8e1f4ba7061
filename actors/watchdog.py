"""Looks after one bot's webhook: asks Telegram every few minutes, repairs what it can, polls while nothing else helps.

No update is lost on the way from one to the other: what Telegram could not bring waits there for a day. None is
doubled: the inbox knows what it has.
"""

from __future__ import annotations

import asyncio

from actors.hearing import Tools, waited
from actors.polling import Poller
from actors.webhook import Webhook
from domain.rules import webhooks
from domain.rules.webhooks import Info, Verdict

BEATS = 3
"""So many looks are spent polling before the webhook is tried again."""
TRIAL_S = 30.0
FIRST_LOOK_S = 10.0


class Watchdog:
    def __init__(self, webhook: Webhook, poller: Poller, tools: Tools) -> None:
        self._webhook = webhook
        self._poller = poller
        self._tools = tools
        self._unproven = 0
        """How often in a row the webhook came back without having brought anything."""

    async def watches(self, *, falls_back: bool) -> None:
        """The webhook, until it does not work and polling can take its place."""
        webhook, tools = self._webhook, self._tools
        if webhook.hearing.addressed:
            # By an earlier process. At its start not all of the fleet's webhooks are looked at in the same moment.
            before, first_s = None, tools.ports.jitter() * min(tools.watchdog_s, FIRST_LOOK_S)
        elif await webhook.put_up_at_last(falls_back=falls_back):
            before, first_s = webhook.unharmed, tools.watchdog_s
        else:
            return
        came, mismatched = webhook.came, webhook.mismatched
        await waited(tools.ports, first_s)
        while True:
            info = await webhook.info()
            if info is not None:
                verdict = self._judged(info, before, came=webhook.came > came)
                before, has_stranger = info, webhook.mismatched > mismatched
                came, mismatched = webhook.came, webhook.mismatched
                if verdict is Verdict.DARK and falls_back and not has_stranger:
                    return
                if verdict in (Verdict.GONE, Verdict.DARK) or (
                    verdict is Verdict.WELL and not info.is_set_as(webhook.unharmed)
                ):
                    # What Telegram knows may be old: another secret, the host's former address, other wishes.
                    if not await webhook.put_up_at_last(falls_back=falls_back):
                        return
                    before = webhook.unharmed
            await waited(tools.ports, tools.watchdog_s)

    async def polls_instead(self) -> None:
        """Until the webhook works again."""
        webhook, tools = self._webhook, self._tools
        while True:
            await webhook.gives_way()
            await self._polls_for(webhooks.beats_of_polling(BEATS, self._unproven) * tools.watchdog_s)
            came = webhook.came
            if not await webhook.put_up():
                continue
            await waited(tools.ports, min(tools.watchdog_s, TRIAL_S))
            info = await webhook.info()
            has_brought = webhook.came > came
            if has_brought or (info is not None and info == webhook.unharmed):
                self._unproven = 0 if has_brought else self._unproven + 1
                webhook.works()
                return

    def _judged(self, info: Info, before: Info | None, *, came: bool) -> Verdict:
        verdict = webhooks.judged(info, before, is_ours=self._webhook.is_ours(info.url), came=came)
        if verdict is Verdict.WELL:
            self._webhook.works()
        else:
            # Whoever has stolen it may mean to: nobody wins by taking it back and forth.
            self._webhook.lost(verdict)
        return verdict

    async def _polls_for(self, seconds: float) -> None:
        polling = asyncio.ensure_future(self._poller.run())
        ringing = asyncio.ensure_future(waited(self._tools.ports, seconds))
        try:
            await asyncio.wait((polling, ringing), return_when=asyncio.FIRST_COMPLETED)
            if polling.done():
                polling.result()
        finally:
            for task in (polling, ringing):
                task.cancel()
            # Awaited themselves, they could not be told from the ear being cancelled just now.
            await asyncio.wait((polling, ringing))
