"""Bots as they are kept: their lives in the log, their tokens under the vault. It blocks."""

from __future__ import annotations

from actors.fleet import read_bot
from domain.bot import Bot
from domain.errors import Shredded
from domain.rules.tokens import Token, parse
from domain.store.ledger import Ledger
from domain.store.vault import Vault


def read(ledger: Ledger, vault: Vault, bot_id: int) -> tuple[Bot, Token | None]:
    bot = read_bot(ledger, bot_id)
    if bot.owner is None:
        return bot, None
    try:
        text = vault.open(bot.owner.tenant_id, _purpose(bot_id), bot.owner.token_sealed).decode()
    except Shredded:
        return bot, None
    return bot, parse(text)


def seal(vault: Vault, tenant_id: str, token: Token) -> bytes:
    return vault.seal(tenant_id, _purpose(token.bot_id), token.reveal().encode())


def _purpose(bot_id: int) -> str:
    return f"token/{bot_id}"
