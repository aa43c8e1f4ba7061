"""A tenant asks for a code: whether it would be of use is looked at first, so that nobody waits for it in vain."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from actors.codes import OpenCodes
from actors.hearing import Tools
from actors.messages import AskForCode, CodeIssued, IssueCode
from actors.webhook import PREFIX
from domain import ownership, token_life
from domain.bot import Bot
from domain.codes import hashed
from domain.errors import StoreError
from domain.failure import Category, Failure
from domain.refusal import Refused
from domain.rules.tokens import Token

CODE_BYTES = 16
"""Written in A-Z a-z 0-9 _ and -, as Telegram lets `start` have them."""
ASK_S, NAME_S = 15.0, 5.0
"""Together less than a caller is given: a code that nobody sees is of no use."""
NOT_READ = Refused("store_unavailable", "The bot could not be read from the event store. Try again.", 1.0)
UNAUTHORIZED = Refused(
    "token_unauthorized",
    "Telegram refuses the token that the bot has here. Take its current one from @BotFather and PUT it to "
    "/api/bots/{bot_id}/token.",
)
FOREIGN = Refused(
    "foreign_webhook",
    "The bot has a webhook elsewhere, so a code sent to it would not come here, and a webhook that is not ours is not "
    "touched. Remove it (deleteWebhook with the bot's token), then ask again. A bot that is registered as yours can "
    'take it over instead: PATCH /api/bots/{bot_id} {"updates": "auto"}.',
)

LookUp = Callable[[int, str], tuple[Bot, Token | None]]
"""A bot, and its token as this tenant has registered it. Blocks and raises StoreError."""


class _Info(msgspec.Struct):
    url: str = ""
    pending_update_count: int = 0


class Issuing:
    def __init__(
        self, codes: OpenCodes, tools: Tools, look_up: LookUp, ask_fleet: Callable[[IssueCode], Awaitable[Any]]
    ) -> None:
        self._codes, self._tools, self._look_up, self._ask_fleet = codes, tools, look_up, ask_fleet
        self._ports = tools.ports

    async def issued(self, message: AskForCode) -> CodeIssued | Refused:
        bot_id, tenant_id = message.bot_id, message.tenant_id
        found = await looked_up(self._look_up, bot_id, tenant_id)
        if isinstance(found, StoreError):
            return NOT_READ
        bot, token = found
        code = secrets.token_urlsafe(CODE_BYTES)
        early = ownership.issue(bot, tenant_id, hashed(code), self._ports.clock.utc())
        if isinstance(early, Refused):
            return early
        if token is None:
            return UNAUTHORIZED
        info = await self._webhook_of(token)
        if isinstance(info, Refused):
            return info
        # The link must lead to the bot, which may have been renamed since it was last looked at.
        me = token_life.judged(token, await self._ports.telegram.ask(token, "getMe", {}, NAME_S), was_valid=True)
        told = await self._ask_fleet(IssueCode(bot_id, tenant_id, hashed(code)))
        if isinstance(told, Refused):
            return told
        issued = [one for one in self._codes.of(bot_id) if one.code_hash == hashed(code)]
        if not issued:
            return ownership.NOT_HERE  # it was removed while this was on its way
        return CodeIssued(
            bot_id,
            me.username or told.username,
            code,
            issued[0].expires_at,
            info.pending_update_count,
            told.position or 0,
        )

    async def _webhook_of(self, token: Token) -> _Info | Refused:
        """What a code needs: a token that works, and no webhook elsewhere."""
        answer = await self._ports.telegram.ask(token, "getWebhookInfo", {}, ASK_S)
        if isinstance(answer, Failure):
            return _not_asked(answer)
        try:
            info = msgspec.json.decode(answer.result, type=_Info)
        except msgspec.DecodeError:
            return Refused("telegram_unreachable", "Telegram's answer cannot be read. No code was made; try again.", 5)
        base = self._tools.public_url
        is_ours = base is not None and info.url.startswith(base + PREFIX)
        return FOREIGN if info.url and not is_ours else info


async def looked_up(look_up: LookUp, bot_id: int, tenant_id: str) -> tuple[Bot, Token | None] | StoreError:
    try:
        return await asyncio.to_thread(look_up, bot_id, tenant_id)
    except StoreError as error:
        return error


def _not_asked(failure: Failure) -> Refused:
    match failure.category:
        case Category.UNAUTHORIZED | Category.PERMANENT:
            return UNAUTHORIZED
        case Category.RATE_LIMIT:
            wait_s = max(1.0, failure.retry_after_s)
            return Refused("telegram_hold", "Telegram asks to wait before it is asked again.", wait_s)
        case _:
            detail = f"Telegram could not be asked ({failure.description}). No code was made; try again."
            return Refused("telegram_unreachable", detail, 5.0)
