"""Looks for a code among the updates of a bot that nobody hears, and confirms none of them: they all go on waiting.

It asks without an offset, so Telegram gives the oldest hundred, again and again. A webhook is not touched, and whoever
else fetches the bot's updates is left alone for longer and longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from actors.codes import OpenCodes, Proof
from actors.hearing import Tools, waited
from domain import updates
from domain.errors import StoreError
from domain.failure import Category, Failure
from domain.rules import webhooks
from domain.rules.tokens import Token
from domain.rules.webhooks import Conflict

LIMIT = 100
LONG_S, SHORT_S, ANSWER_S = 10, 1, 15.0
EVERY_S = 3.0
"""Telegram gives the same updates at once, however long it is asked to wait."""
CONFLICT = 409
FOREIGN = "a webhook is set"
RIVAL = "somebody else polls with this token"
UNAUTHORIZED = "Telegram refuses the token"

log = structlog.get_logger()

Prove = Callable[[Proof, Callable[[bool], None]], None]
TokenOf = Callable[[int, str], Token | None]
"""Of a bot, as this tenant has registered it. Blocks and raises StoreError."""

_listed = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Peek:
    def __init__(self, bot_id: int, codes: OpenCodes, tools: Tools, token_of: TokenOf, prove: Prove) -> None:
        self.bot_id = bot_id
        self.stopped: dict[str, str] = {}
        """Why nothing can be seen with this tenant's token."""
        self._codes, self._tools, self._token_of, self._prove = codes, tools, token_of, prove
        self._failures = self._rivals = 0

    async def run(self) -> None:
        """Until no code is open any more."""
        while codes := self._codes.of(self.bot_id):
            for code in codes:
                try:
                    pause_s = await self._looks(code.tenant_id)
                except Exception as error:  # noqa: BLE001  one bot's trouble is no other's, and its text may tell a secret
                    log.warning("peek_failed", bot_id=self.bot_id, error=type(error).__name__)
                    pause_s = webhooks.POLL_CAP_S
                await waited(self._tools.ports, pause_s)

    async def _looks(self, tenant_id: str) -> float:
        """Once. Returns how long to wait before the next look."""
        try:
            token = await asyncio.to_thread(self._token_of, self.bot_id, tenant_id)
        except StoreError:
            return self._pause_s()
        if token is None:
            self.stopped[tenant_id] = UNAUTHORIZED
            return self._pause_s()
        turns = self._tools.turns
        wait_s = SHORT_S if turns.locked() else LONG_S
        async with turns:
            # No `allowed_updates`: Telegram would keep the list, and the bot is not ours to change.
            wanted: dict[str, object] = {"timeout": wait_s, "limit": LIMIT}
            answer = await self._tools.polls.ask(token, "getUpdates", wanted, wait_s + ANSWER_S)
        if isinstance(answer, Failure):
            return self._failed(tenant_id, answer)
        self._failures = self._rivals = 0
        self.stopped.pop(tenant_id, None)
        for raw in _listed(answer.result):
            await self._seen(bytes(raw))
        return EVERY_S

    async def _seen(self, body: bytes) -> None:
        try:
            proof = self._codes.heard(self.bot_id, updates.read(body), body)
        except updates.NoUpdate:
            return
        if proof is not None:
            done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._prove(proof, lambda is_kept: None if done.done() else done.set_result(is_kept))
            await done

    def _failed(self, tenant_id: str, failure: Failure) -> float:
        if failure.category is Category.RATE_LIMIT:
            return max(EVERY_S, failure.retry_after_s)
        if failure.category is Category.UNAUTHORIZED:
            self.stopped[tenant_id] = UNAUTHORIZED
        elif failure.code == CONFLICT and webhooks.conflict_in(failure.description) is Conflict.RIVAL:
            self.stopped[tenant_id], self._rivals = RIVAL, self._rivals + 1
            return webhooks.rival_pause_s(self._rivals)
        elif failure.code == CONFLICT:
            self.stopped[tenant_id] = FOREIGN
        return self._pause_s()

    def _pause_s(self) -> float:
        self._failures += 1
        return max(EVERY_S, webhooks.pause_s(self._failures, self._tools.ports.jitter()))
