"""Response times in fixed classes, each a tenth wider than the one before: small to keep, and good to 10 %."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

UPPER_MS = tuple(round(0.1 * 1.1**step, 3) for step in range(165))
"""From 0.1 ms to ten minutes; what is above belongs to the last class."""


def count(counts: array[int], ms: float) -> None:
    """`counts` is as long as its slowest class needs."""
    found = min(bisect_left(UPPER_MS, ms), len(UPPER_MS) - 1)
    if found >= len(counts):
        counts.extend([0] * (found + 1 - len(counts)))
    counts[found] += 1


def percentile_ms(counts: Sequence[int], share: float) -> float | None:
    """So many of all answers took no longer than this."""
    needed = share * sum(counts)
    for number, upper_ms in zip(counts, UPPER_MS, strict=False):
        needed -= number
        if number and needed <= 0:
            return upper_ms
    return None
