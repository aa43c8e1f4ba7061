"""The last quarter of an hour of one bot: for each minute how many commands went well and how many failed.

A ring in which each minute overwrites the one of a window ago, so that it stays small without anybody tidying up. What
is old is told by the bot's own newest minute, never by the clock.
"""

from __future__ import annotations

from array import array

from domain.rules.health import WINDOW_S

SLOTS = WINDOW_S // 60 + 1
OK, FAILED = 0, 1


_NOTHING = array("I", bytes(SLOTS * 2 * 4))


def empty_ring() -> array[int]:
    return _NOTHING[:]


def count(ring: array[int], newest: int, minute: int, which: int, number: int = 1) -> int:
    """Counts so many more, and returns the newest minute there is now."""
    if minute <= newest - SLOTS:
        return newest
    if minute - newest >= SLOTS:
        ring[:] = _NOTHING
    else:
        for passed in range(newest + 1, minute + 1):
            ring[passed % SLOTS * 2 + OK] = ring[passed % SLOTS * 2 + FAILED] = 0
    ring[minute % SLOTS * 2 + which] += number
    return max(newest, minute)


def counted_after(ring: array[int], newest: int, after: int) -> tuple[int, int]:
    """What went well and what failed in the minutes after this one."""
    slots = [minute % SLOTS * 2 for minute in range(max(after, newest - SLOTS) + 1, newest + 1)]
    return sum(ring[slot + OK] for slot in slots), sum(ring[slot + FAILED] for slot in slots)
