"""The open codes of all bots, and the one look that tells whether an update brings one of them."""

from __future__ import annotations

from typing import NamedTuple

from actors.ports import Clock
from domain import updates
from domain.bot import Bot
from domain.codes import Code, hashed
from domain.ownership import identity_of
from domain.updates import Update


class Proof(NamedTuple):
    """A user has sent this code to the bot, in this private chat."""

    bot_id: int
    code_hash: str
    chat: str


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

        What names another bot proves nothing: whoever wrote it means that one.
        """
        bot = self._bots.get(bot_id)
        if update.command != "start" or bot is None:
            return None
        if update.kind != "message" or update.chat_type != "private" or update.chat is None:
            return None
        to, argument = updates.spoken_in(body)
        proof = Proof(bot_id, hashed(argument), update.chat)
        tenant_id = self.tenant_of(proof)
        who = identity_of(bot, tenant_id) if tenant_id is not None else None
        if who is None or (to is not None and to.lower() != who.username.lower()):
            return None
        return proof
