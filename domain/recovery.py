"""What is open: commands started or accepted without a recorded outcome, and holds that are not over.

The journal folds what it writes and stores the oldest open position as the low-water mark; a new process folds the log
from that mark on and so knows, without any view, what the last one left unfinished.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from domain.events import CommandAccepted, CommandStarted, Ended, Event, HoldPlaced


class OpenCommand(NamedTuple):
    first: CommandAccepted | CommandStarted
    is_started: bool
    stream: str
    """Where its outcome belongs."""


class OpenThings:
    """Positions must be seen in rising order."""

    def __init__(self) -> None:
        self._commands: dict[str, tuple[int, OpenCommand]] = {}
        self._holds: dict[tuple[int, str], tuple[int, HoldPlaced]] = {}

    def see(self, position: int, event: Event, stream: str = "") -> None:
        match event:
            case CommandAccepted():
                self._commands[event.command_id] = (position, OpenCommand(event, is_started=False, stream=stream))
            case CommandStarted():
                opened, known = self._commands.get(event.command_id, (position, OpenCommand(event, True, stream)))
                self._commands[event.command_id] = (opened, known._replace(is_started=True))
            case Ended():
                self._commands.pop(event.command_id, None)
            case HoldPlaced():
                key = (event.bot_id, event.scope)
                # A shorter answer never shortens a longer hold.
                if key not in self._holds or self._holds[key][1].until <= event.until:
                    # Moved to the end, so that the first entry stays the oldest.
                    self._holds.pop(key, None)
                    self._holds[key] = (position, event)
            case _:
                pass

    def low_water(self, next_position: int, now: datetime) -> int:
        """The position to read from after a crash: the oldest open thing, or `next_position` when nothing is open."""
        for scope, (_, hold) in list(self._holds.items()):
            if hold.until > now:
                break
            del self._holds[scope]
        oldest_command = next(iter(self._commands.values()), (next_position, None))[0]
        oldest_hold = next(iter(self._holds.values()), (next_position, None))[0]
        return min(oldest_command, oldest_hold, next_position)

    def commands(self) -> list[OpenCommand]:
        """In the order in which they came."""
        return [opened for _, opened in self._commands.values()]

    def holds(self, now: datetime) -> list[HoldPlaced]:
        return [hold for _, hold in self._holds.values() if hold.until > now]
