"""Which updates Telegram has brought before, for the journal's thread."""

from __future__ import annotations

from collections.abc import Sequence

from domain.store.inbox import Inbox, UpdateKey

BOTS_KEPT = 50_000


class Repeats:
    """Numbers come in any order, and after a quiet week they begin anywhere: a high one proves nothing of a lower one.

    But what is above all that a bot ever had is new. Raises StoreUnavailable, and is then as it was.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._highest: dict[int, int] = {}

    def among(self, updates: Sequence[UpdateKey]) -> set[UpdateKey]:
        """Those that have been received before. The others are taken for received from now on."""
        if len(self._highest) > BOTS_KEPT:
            self._highest.clear()
        doubtful = [key for key in updates if key[1] <= self._highest_of(key[0])]
        known = self._inbox.known(doubtful) if doubtful else set[UpdateKey]()
        for bot_id, update_id in updates:
            self._highest[bot_id] = max(self._highest[bot_id], update_id)
        return known

    def _highest_of(self, bot_id: int) -> int:
        highest = self._highest.get(bot_id)
        if highest is None:
            highest = self._highest[bot_id] = self._inbox.highest(bot_id)
        return highest
