"""What the delivery actor is told by who receives updates, by the bots' actors and by a stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple


class Arrived(NamedTuple):
    """An update of this bot is in the inbox."""

    bot_id: int


class Arrivals:
    """To be called on the loop after each commit of updates of a bot; however often that is, it is heard once."""

    def __init__(self) -> None:
        self.tell: Callable[[Arrived], None] = lambda _: None
        self._told: set[int] = set()

    def are_told_to(self, tell: Callable[[Arrived], None]) -> None:
        """Who hears them from now on looks for itself what is there."""
        self.tell = tell
        self._told.clear()

    def __call__(self, bot_id: int) -> None:
        if bot_id not in self._told:
            self._told.add(bot_id)
            self.tell(Arrived(bot_id))

    def heard(self, bot_id: int) -> None:
        self._told.discard(bot_id)


class CallbackChanged(NamedTuple):
    bot_id: int
    has_left: bool
    """It is no longer its tenant's."""
    at: datetime


class EndPulls:
    """The gateway is stopping: nobody waits any longer."""


class Begin:
    """The first message: what earlier processes have left goes its way."""
