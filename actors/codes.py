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


class OpenCodes:
    """For the loop's thread. Only bots that have one take room."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of: dict[int, tuple[Code, ...]] = {}

    def follow(self, bot: Bot) -> None:
        """As it is on disk."""
        found = tuple(code for code in bot.codes if code.is_open)
        if found:
            self._of[bot.bot_id] = found
        else:
            self._of.pop(bot.bot_id, None)

    def bots(self) -> list[int]:
        return list(self._of)

    def of(self, bot_id: int) -> list[Code]:
        now = self._clock.utc()
        return [code for code in self._of.get(bot_id, ()) if now < code.expires_at]

    def tenant_of(self, proof: Proof) -> str | None:
        return next((code.tenant_id for code in self.of(proof.bot_id) if code.code_hash == proof.code_hash), None)

    def heard(self, bot_id: int, update: Update, body: bytes) -> Proof | None:
        """Looks into the update only where it is a `/start` to a bot that waits for one."""
        if update.command != "start" or bot_id not in self._of:
            return None
        if update.kind != "message" or update.chat_type != "private" or update.chat is None:
            return None
        argument = updates.argument_in(body)
        if argument is None:
            return None
        proof = Proof(bot_id, hashed(argument), update.chat)
        return proof if self.tenant_of(proof) is not None else None
