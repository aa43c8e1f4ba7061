"""The updates that wait for a bot, whichever way it takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Update = dict[str, Any]

FIRST_UPDATE_ID = 100_000_001

ONLY_WHEN_ASKED_FOR = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds of updates that a bot receives only when it names them."""


def kind_of(update: Update) -> str:
    return next((key for key in update if key != "update_id"), "")


class Inbox:
    def __init__(self) -> None:
        self.pending: dict[int, Update] = {}
        self.allowed: frozenset[str] = frozenset()
        """Empty: all kinds but those which have to be asked for."""
        self.on_arrival: Callable[[int], None] | None = None
        self._next_id = FIRST_UPDATE_ID

    def receive(self, update: Update) -> int | None:
        """Keep an update, and say under which id; None when the bot does not want its kind."""
        kind = kind_of(update)
        wanted = kind in self.allowed if self.allowed else kind not in ONLY_WHEN_ASKED_FOR
        if not wanted:
            return None
        update_id = int(update.get("update_id", self._next_id))
        self._next_id = max(self._next_id, update_id + 1)
        self.pending[update_id] = {**update, "update_id": update_id}
        if self.on_arrival is not None:
            self.on_arrival(update_id)
        return update_id

    def confirm_from(self, offset: int) -> None:
        """Forget what the bot has seen: a negative offset keeps only that many of the newest."""
        ids = sorted(self.pending)
        seen = ids[:offset] if offset < 0 else [update_id for update_id in ids if update_id < offset]
        for update_id in seen:
            del self.pending[update_id]

    def oldest(self, limit: int) -> list[Update]:
        return [self.pending[update_id] for update_id in sorted(self.pending)[:limit]]

    def allow(self, kinds: Iterable[str]) -> None:
        self.allowed = frozenset(kinds)
