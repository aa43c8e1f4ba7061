"""Where the table is shown: on a terminal one that changes, elsewhere a new one every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ops.demo.caller import Bot, Caller
from ops.demo.table import CAPTION, Figures, Rate, figures, table, title, totals

LOOK_EVERY_S = 0.5
PLAIN_EVERY_S = 4.0
NARROW_BELOW = 108
"""Columns that the whole table takes."""


class Screen:
    def __init__(self, console: Console, caller: Caller, bots: Sequence[Bot]) -> None:
        self.every_s = LOOK_EVERY_S if console.is_terminal else PLAIN_EVERY_S
        self._console, self._caller, self._bots = console, caller, bots
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._rate = Rate()
        self._began = time.monotonic()
        self._lines: Sequence[str] = ()
        self._lines_at = 0.0
        self._was_explained = False

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def uptime_s(self) -> float:
        return time.monotonic() - self._began

    def say_later(self, lines: Sequence[str], at_s: float) -> None:
        self._lines, self._lines_at = lines, at_s

    async def look(self) -> list[Figures]:
        return [figures(health) for health in await asyncio.gather(*map(self._caller.health, self._bots))]

    def show(self, found: Sequence[Figures]) -> None:
        if self._lines and self.uptime_s >= self._lines_at:
            self._say("", *self._lines, "")
            self._lines = ()
        if self._live is None:
            self._console.print(self._table(found, explained=not self._was_explained))
            self._was_explained = True
        else:
            self._live.update(self._table(found), refresh=True)

    def show_last(self, found: Sequence[Figures]) -> None:
        self._console.print(self._table(found))
        self._say(totals(found))

    def _say(self, *lines: str) -> None:
        # Whole lines: they are there to be copied.
        self._console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)

    def _table(self, found: Sequence[Figures], *, explained: bool = True) -> Table:
        uptime_s = self.uptime_s
        per_s = self._rate.after(uptime_s, sum(one.ended for one in found))
        narrow = self._console.width < NARROW_BELOW
        return table(self._bots, found, title(uptime_s, per_s), CAPTION if explained else None, narrow=narrow)
