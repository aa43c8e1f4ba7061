"""Before a token is taken, with a bot or in place of another, Telegram is asked whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from actors.messages import RegisterBot
from actors.ports import Calling
from domain.bot import Identity
from domain.errors import StoreError
from domain.failure import Answer, Category, Failure
from domain.refusal import Refused
from domain.rules.tokens import Token
from domain.token_life import Me, me_in

TIMEOUT_S = 15.0


def token_purpose(bot_id: int) -> str:
    """Of a bot's token, in the vault."""
    return f"token/{bot_id}"


async def ask(message: RegisterBot, telegram: Calling, seal: Callable[[str, Token], bytes]) -> Identity | Refused:
    """Who the bot is, its token sealed for the tenant. `seal` may block; it runs beside the loop."""
    token = message.token
    me = introduced(token, await telegram.ask(token, "getMe", {}, TIMEOUT_S))
    if isinstance(me, Refused):
        return me
    try:
        sealed = await asyncio.to_thread(seal, message.tenant_id, token)
    except StoreError:
        return Refused("store_unavailable", "The token could not be kept. Nothing was registered; try again.", 2.0)
    return Identity(message.tenant_id, me.username, me.first_name, sealed, token.fingerprint)


def introduced(token: Token, answer: Answer) -> Me | Refused:
    """The bot that a token brings here, by Telegram's answer to `getMe`."""
    if isinstance(answer, Failure):
        return _not_introduced(answer)
    me = me_in(answer)
    if me is None:
        return _UNREADABLE
    if me.id != token.bot_id:
        return Refused("token_unauthorized", "Telegram says that this token belongs to another bot. Check it.")
    return me


_UNREADABLE = Refused(
    "token_unreachable", "What BOTLOFT_TELEGRAM_API names does not answer as a Bot API server does. Check it.", 5.0
)


def _not_introduced(failure: Failure) -> Refused:
    match failure.category:
        case Category.UNAUTHORIZED | Category.PERMANENT:
            return Refused(
                "token_unauthorized", "Telegram refuses this token. Copy it again from @BotFather, whole and unchanged."
            )
        case Category.RATE_LIMIT:
            return Refused(
                "telegram_hold", "Telegram asks to wait before it is asked again.", max(1.0, failure.retry_after_s)
            )
        case _:
            return Refused(
                "token_unreachable",
                f"Telegram could not be asked ({failure.description}). Nothing was changed; try again.",
                5.0,
            )
