"""The open codes of all bots, and the one look that tells whether an update brings one of them."""

from __future__ import annotations

from typing import NamedTuple

from actors.ports import Clock
from domain import updates
from domain.bot import Bot
from domain.codes import Code, hashed
from domain.updates import Update


class Proof(NamedTuple):
    """A user has sent this code to the bot, in this private chat."""

    bot_id: int
    code_hash: str
    chat: str
    to: str | None = None
    """The bot that it names, in lower case; None: whichever bot gets it."""

    def is_to(self, username: str) -> bool:
        """What names another bot proves nothing: whoever wrote it means that one."""
        return self.to is None or self.to == username.lower()


class OpenCodes:
    """For the loop's thread. Only bots that have one take room."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bots: dict[int, Bot] = {}

    def follow(self, bot: Bot) -> None:
        """As it is on disk."""
        if any(code.is_open for code in bot.codes):
            self._bots[bot.bot_id] = bot
        else:
            self._bots.pop(bot.bot_id, None)

    def bots(self) -> list[int]:
        return list(self._bots)

    def of(self, bot_id: int) -> list[Code]:
        now, bot = self._clock.utc(), self._bots.get(bot_id)
        return [code for code in bot.codes if code.is_open and now < code.expires_at] if bot is not None else []

    def tenant_of(self, proof: Proof) -> str | None:
        return next((code.tenant_id for code in self.of(proof.bot_id) if code.code_hash == proof.code_hash), None)

    def heard(self, bot_id: int, update: Update, body: bytes) -> Proof | None:
        """Looks into the update only where it is a `/start` to a bot that waits for one.

        Whether that is the bot it names, Telegram is asked: it may have another name since yesterday.
        """
        if update.command != "start" or bot_id not in self._bots:
            return None
        if update.kind != "message" or update.chat_type != "private" or update.chat is None:
            return None
        proof = Proof(bot_id, hashed(updates.argument_in(body)), update.chat, update.to)
        return proof if self.tenant_of(proof) is not None else None
