"""Brings updates to webhooks: in order within a chat, chats beside each other, again and again until it is taken.

Each chat that has something waiting has one courier's errand, which ends when the chat has nothing left.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

import aiohttp
import msgspec

from ops.sandbox.inbox import Update, kind_of
from ops.sandbox.world import Bot, Webhook

Answer = Callable[[Bot, dict[str, object]], None]
"""What is done with the call that stands in a webhook's answer."""

ANSWER_WITHIN_S = 60
PAUSE_S_MAX = 60.0
RETRY_AFTER_S_MAX = 3600.0


def pause_s(failures: int, base_s: float) -> float:
    """Before the next attempt: the first is made at once, then the pauses double."""
    return 0.0 if failures <= 1 else min(base_s * 2.0 ** (failures - 2), PAUSE_S_MAX)


def queue_of(update: Update) -> object:
    """What an update has to stay in order with: its chat, or the user where there is none."""
    content = update.get(kind_of(update))
    if not isinstance(content, dict):
        return None
    message = content.get("message")
    chat = content.get("chat") or (message.get("chat") if isinstance(message, dict) else None)
    whose = chat or content.get("from") or content.get("user")
    return whose.get("id") if isinstance(whose, dict) else None


class Courier:
    """Serves one bot's webhook for as long as it stays as it is."""

    def __init__(
        self, bot: Bot, webhook: Webhook, session: aiohttp.ClientSession, answer: Answer, retry_base_s: float
    ) -> None:
        self.webhook = webhook
        self._bot = bot
        self._session = session
        self._answer = answer
        self._retry_base_s = retry_base_s
        self._hands = asyncio.Semaphore(webhook.max_connections)
        self._queues: dict[object, deque[int]] = {}
        self._errands: set[asyncio.Task[None]] = set()
        bot.inbox.on_arrival = self.take
        for update_id in sorted(bot.inbox.pending):
            self.take(update_id)

    def take(self, update_id: int) -> None:
        key = queue_of(self._bot.inbox.pending[update_id])
        queue = self._queues.get(key)
        if queue is not None:
            queue.append(update_id)
            return
        self._queues[key] = deque([update_id])
        errand = asyncio.get_running_loop().create_task(self._run(key))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def stop(self) -> None:
        errands = list(self._errands)
        for errand in errands:
            errand.cancel()
        await asyncio.gather(*errands, return_exceptions=True)

    async def _run(self, key: object) -> None:
        queue = self._queues[key]
        while queue:
            await self._bring(queue[0])
            queue.popleft()
        del self._queues[key]

    async def _bring(self, update_id: int) -> None:
        failures = 0
        while (update := self._bot.inbox.pending.get(update_id)) is not None:
            async with self._hands:
                asked_pause_s = await self._attempt(update)
            if asked_pause_s is None:
                self._bot.inbox.pending.pop(update_id, None)
                return
            failures += 1
            await asyncio.sleep(max(pause_s(failures, self._retry_base_s), asked_pause_s))

    async def _attempt(self, update: Update) -> float | None:
        """None when the update was taken, else for how long the receiver wants to be left alone."""
        headers = {"Content-Type": "application/json"}
        if self.webhook.secret_token:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.webhook.secret_token
        body = msgspec.json.encode(update)
        try:
            async with self._session.post(
                self.webhook.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                if response.status < HTTPStatus.MULTIPLE_CHOICES:
                    self._act_on(await response.read())
                    return None
                self._complain(f"Wrong response from the webhook: {response.status} {response.reason}")
                return min(_seconds(response.headers.get("Retry-After")), RETRY_AFTER_S_MAX)
        except TimeoutError:
            self._complain("Read timeout expired")
        except aiohttp.ClientConnectorError:
            self._complain("Connection refused")
        except aiohttp.ClientError:
            self._complain("Connection reset by peer")
        return 0.0

    def _complain(self, what: str) -> None:
        self.webhook.last_error_date = int(time.time())
        self.webhook.last_error_message = what

    def _act_on(self, body: bytes) -> None:
        try:
            call = msgspec.json.decode(body, type=dict[str, object])
        except msgspec.DecodeError:
            return
        if "method" in call:
            self._answer(self._bot, call)


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else 0.0
