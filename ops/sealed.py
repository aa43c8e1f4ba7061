"""Which keys open the vault, what is derived from them, and bots' tokens in it."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from actors.fleet import read_bot
from domain.bot import Bot
from domain.errors import Shredded
from domain.rules.tokens import Token, parse
from domain.store.ledger import Ledger
from domain.store.vault import Vault, master_key_file
from ops.settings import Settings


def master_keys(settings: Settings) -> list[bytes]:
    if settings.master_keys:
        return [key.get_secret_value().encode() for key in settings.master_keys]
    return [master_key_file(settings.state_dir / "master.key")]


def session_keys(settings: Settings) -> list[bytes]:
    """What signs browser sessions: of each master key one, from which it cannot be told."""
    return [HKDF(SHA256(), 32, salt=None, info=b"botloft session").derive(key) for key in master_keys(settings)]


def bot_and_token(ledger: Ledger, vault: Vault, bot_id: int) -> tuple[Bot, Token | None]:
    bot = read_bot(ledger, bot_id)
    if bot.owner is None:
        return bot, None
    try:
        return bot, opened_token(vault, bot.owner.tenant_id, bot_id, bot.owner.token_sealed)
    except Shredded:
        return bot, None


def opened_token(vault: Vault, tenant_id: str, bot_id: int, sealed: bytes) -> Token | None:
    return parse(vault.open(tenant_id, _purpose(bot_id), sealed).decode())


def sealed_token(vault: Vault, tenant_id: str, token: Token) -> bytes:
    return vault.seal(tenant_id, _purpose(token.bot_id), token.reveal().encode())


def _purpose(bot_id: int) -> str:
    return f"token/{bot_id}"
