"""Fetches one bot's updates by long polls. What is not on disk is not confirmed, so Telegram gives it again."""

from __future__ import annotations

import asyncio

import msgspec
import structlog

from actors.hearing import Tools, waited
from actors.webhook import Webhook
from actors.webhook_story import FOREIGN, RIVAL
from domain.errors import StoreError
from domain.failure import Category, Delivered, Failure
from domain.hearing import Whose
from domain.rules import webhooks
from domain.rules.webhooks import Conflict
from domain.updates import NoUpdate

POLL_S, LIMIT = 50, 100
SHORT_POLL_S = 1
"""Where more bots poll than may at once: each has its turn soon."""
ANSWER_S = 15.0
CONFLICT = 409
RIVAL_GONE_S = 600.0
FULL_S = 1.0

log = structlog.get_logger()


class _Numbered(msgspec.Struct):
    update_id: int


_listed = msgspec.json.Decoder(list[msgspec.Raw]).decode
_numbered = msgspec.json.Decoder(_Numbered).decode


class Poller:
    def __init__(self, tools: Tools, webhook: Webhook) -> None:
        self.stopped: str | None = None
        """Why updates do not come, for as long as that is so."""
        self._tools = tools
        self._webhook = webhook
        self._offset = 0
        self._failures = 0
        self._rivals = 0
        self._rival_at = 0.0
        self._has_foreign = self._has_rival = True
        """As far as the operator knows: an earlier process may have told of one."""

    async def run(self) -> None:
        """Until it is cancelled."""
        self._offset = self._failures = 0
        self._rival_at = self._tools.ports.clock.steady()
        while True:
            answer = await self._polled()
            if isinstance(answer, Failure):
                await self._failed(answer)
            else:
                await self._got(answer.result)

    async def _polled(self) -> Delivered | Failure:
        token, tools = self._webhook.token, self._tools
        if token is None:
            return Failure(Category.UNAUTHORIZED, "the bot's token is gone")
        is_crowded = tools.turns.locked()
        async with tools.turns:
            timeout_s = SHORT_POLL_S if is_crowded else POLL_S
            # An empty list: the usual kinds, and not those that a stranger may have chosen before.
            allowed = self._webhook.allowed
            wanted = {"timeout": timeout_s, "limit": LIMIT, "offset": self._offset, "allowed_updates": allowed}
            return await tools.polls.ask(token, "getUpdates", wanted, timeout_s + ANSWER_S)

    async def _got(self, result: bytes) -> None:
        self.stopped, self._failures = None, 0
        if self._has_foreign:
            self._has_foreign = False
            self._webhook.cleared(FOREIGN)
        if self._has_rival and self._tools.ports.clock.steady() - self._rival_at > RIVAL_GONE_S:
            self._rivals, self._has_rival = 0, False
            self._webhook.cleared(RIVAL)
        try:
            found = [(_numbered(raw).update_id, bytes(raw)) for raw in _listed(result)]
        except msgspec.DecodeError:
            await self._pauses()
            return
        if found and await self._recorded(found):
            self._offset = max(update_id for update_id, _ in found) + 1

    async def _recorded(self, found: list[tuple[int, bytes]]) -> bool:
        """Whether all of them are on disk."""
        written = [await self._taken(self._webhook.whose, body) for _, body in found]
        results = await asyncio.gather(*(one for one in written if one is not None))
        if any(isinstance(result, StoreError) for result in results):
            await self._pauses()
            return False
        return True

    async def _taken(self, whose: Whose, body: bytes) -> asyncio.Future[int | StoreError] | None:
        """None for what is no update: it would come again for ever."""
        written: asyncio.Future[int | StoreError] = asyncio.get_running_loop().create_future()

        def then(result: int | StoreError) -> None:
            if not written.done():
                written.set_result(result)

        try:
            while not self._tools.doorstep.take(whose, body, "polling", then):
                await waited(self._tools.ports, FULL_S)
        except NoUpdate:
            log.warning("no_update", bot_id=whose.bot_id)
            return None
        except StoreError as error:
            then(error)
        return written

    async def _failed(self, failure: Failure) -> None:
        if failure.code == CONFLICT:
            await self._in_conflict(webhooks.conflict_in(failure.description))
            return
        if failure.category is Category.UNAUTHORIZED:
            self._tools.check_token(self._webhook.whose.bot_id)
        if failure.category is Category.RATE_LIMIT:
            await waited(self._tools.ports, failure.retry_after_s)
        await self._pauses()

    async def _in_conflict(self, conflict: Conflict) -> None:
        tools, webhook = self._tools, self._webhook
        if conflict is Conflict.RIVAL:
            # Each of our polls would end one of theirs, and theirs ours.
            self._rivals, self._rival_at = self._rivals + 1, tools.ports.clock.steady()
            self._has_rival = True
            self.stopped = "somebody else polls with this token"
            webhook.alerted(RIVAL, "Somebody else fetches its updates with the same token.")
            await waited(tools.ports, webhooks.rival_pause_s(self._rivals))
            return
        is_gone = await webhook.delete_if_ours()
        if is_gone is None:
            await self._pauses()
        elif not is_gone:
            self._has_foreign = True
            self.stopped = "a foreign webhook"
            webhook.alerted(FOREIGN, "It has a webhook that is not ours, so its updates cannot be fetched.")
            await waited(tools.ports, tools.watchdog_s)

    async def _pauses(self) -> None:
        self._failures += 1
        await waited(self._tools.ports, webhooks.pause_s(self._failures, self._tools.ports.jitter()))
