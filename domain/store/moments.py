"""Positions of moments. The log is ordered by position and nearly ordered by time: found by bisection, with slack.

Events a little out of order (a clock set back, an outcome noted late) may lie on the wrong side of the place that a
bisection finds, by no more than `SLACK` positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from domain.store.selection import occurred_at
from domain.store.store import Row

SLACK = 5000
INSTANT = timedelta(microseconds=1)

RowsAfter = Callable[[int, int], Sequence[Row]]
"""The next rows after a position, at most so many."""


def position_at(rows_after: RowsAfter, head: int, moment: datetime) -> int:
    """The last position whose event had occurred by then; 0: nothing had."""
    found = _crossing(rows_after, head, moment)
    late = [row[0] for row in rows_after(found, SLACK) if row[0] <= head and occurred_at(row[4]) <= moment]
    return late[-1] if late else found


def bounds(rows_after: RowsAfter, head: int, since: datetime | None, before: datetime | None) -> tuple[int, int]:
    """After which position and up to which all events of these times are, and some others at both ends."""
    first = 0 if since is None else max(0, _crossing(rows_after, head, since - INSTANT) - SLACK)
    last = head if before is None else min(head, _crossing(rows_after, head, before) + SLACK)
    return first, last


def _crossing(rows_after: RowsAfter, head: int, moment: datetime) -> int:
    """A position whose event had occurred by then, and the next one's had not."""
    had, had_not = 0, head + 1
    while had_not - had > 1:
        middle = (had + had_not) // 2
        row = next(iter(rows_after(middle - 1, 1)), None)
        if row is not None and row[0] < had_not and occurred_at(row[4]) <= moment:
            had = row[0]
        else:
            had_not = middle
    return had
