"""Where updates are posted: written by the bots' actors as their lives change, read by who delivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from domain.bot import Bot


class Callback(NamedTuple):
    tenant_id: str
    sealed: bytes
    """The address."""


class Callbacks:
    """Only bots that have one take room."""

    def __init__(self) -> None:
        self._of: dict[int, Callback] = {}
        self.changed: Callable[[int, bool], None] = lambda _, __: None
        """Told the bot, and whether it has left its tenant."""

    def of(self, bot_id: int) -> Callback | None:
        return self._of.get(bot_id)

    def is_as(self, bot: Bot) -> None:
        """At the start."""
        found = _callback_of(bot)
        if found is not None:
            self._of[bot.bot_id] = found

    def became(self, before: Bot, after: Bot) -> None:
        was, found = self._of.get(after.bot_id), _callback_of(after)
        left = before.owner is not None and (after.owner is None or after.owner.tenant_id != before.owner.tenant_id)
        if found is None:
            self._of.pop(after.bot_id, None)
        else:
            self._of[after.bot_id] = found
        if was != found or left:
            self.changed(after.bot_id, left)


def _callback_of(bot: Bot) -> Callback | None:
    sealed = bot.callback_sealed
    return None if bot.owner is None or sealed is None else Callback(bot.owner.tenant_id, sealed)
