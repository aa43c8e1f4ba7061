"""Updates that Telegram has brought and their tenant has not confirmed, beside the log and committed with it.

A row outlives its payload: that an update was here is remembered for as long as Telegram may bring it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

UpdateKey = tuple[int, int]
"""A bot's id, and the update's."""


class InboxRow(NamedTuple):
    bot_id: int
    update_id: int
    received_at: float
    """Unix seconds."""
    lane: str
    """What it stays in order with: its chat, or its user where there is none."""
    sealed: bytes

    @property
    def key(self) -> UpdateKey:
        return self.bot_id, self.update_id


class Inbox(Protocol):
    """All of it may raise StoreUnavailable. An update is settled when its tenant has it: then its payload goes."""

    def known(self, updates: Iterable[UpdateKey]) -> set[UpdateKey]:
        """Those that have been received before, settled or not."""

    def waiting(self, bot_id: int, after: int = -1, limit: int = 100) -> list[InboxRow]:
        """Not settled, by rising id, with ids above `after`."""

    def bots(self) -> list[int]:
        """Those for which something waits."""

    def highest(self, bot_id: int) -> int:
        """Of the numbers of its updates that are remembered; -1: there are none."""

    def last(self, bot_id: int) -> float | None:
        """When the newest of its updates was received."""

    def settle(self, bot_id: int, update_ids: Sequence[int]) -> None: ...

    def forget(self, bot_id: int, received_until: float) -> bool:
        """A part of what a bot received for a tenant that it has left; whether there may be more."""

    def drop_before(self, received_at: float) -> bool:
        """A part of what was received earlier, settled or not; whether there may be more."""
