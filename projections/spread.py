"""Durations in the classes of `projections.health.latency`, those that occur: a few bytes a row, and they add up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import partial

import msgspec

from projections.health.latency import UPPER_MS

Spread = dict[int, int]
"""How many there are in a class."""

_BOUNDS = UPPER_MS[:-1]
"""What is above all of them belongs to the last class."""
class_of = partial(bisect_left, _BOUNDS)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Spread).decode


def count(spread: Spread, ms: float) -> None:
    count_all(spread, (ms,))


def count_all(spread: Spread, ms: Iterable[float]) -> None:
    for found in map(class_of, ms):
        spread[found] = spread.get(found, 0) + 1


def add(spread: Spread, other: Mapping[int, int]) -> None:
    for found, number in other.items():
        spread[found] = spread.get(found, 0) + number


def percentile_ms(spread: Mapping[int, int], share: float) -> float | None:
    """So many of all took no longer than this."""
    needed = share * sum(spread.values())
    for found in sorted(spread):
        needed -= spread[found]
        if needed <= 0:
            return UPPER_MS[found]
    return None


def to_bytes(spread: Spread) -> bytes:
    # In order: the same numbers are the same bytes, whatever came first.
    return _encode(dict(sorted(spread.items())))


def from_bytes(stored: bytes) -> Spread:
    return _decode(stored)


def together(stored: Iterable[bytes]) -> Spread:
    """What several of them add up to."""
    total: Spread = {}
    for one in stored:
        add(total, _decode(one))
    return total
