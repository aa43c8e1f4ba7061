"""Response times of an hour: how many answers in each of the fixed classes, only those that have any.

Packed by rising class, so that the same answers give the same bytes in whatever order they came.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import msgspec

from projections.health.latency import UPPER_MS

Classes = dict[int, int]

_BELOW_LAST = UPPER_MS[:-1]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, int]).decode


def class_of(ms: float) -> int:
    """What is above all of them belongs to the last."""
    return bisect_left(_BELOW_LAST, ms)


def packed(classes: Mapping[int, int]) -> bytes:
    return _encode(dict(sorted(classes.items())))


def add(to: Classes, more: Mapping[int, int]) -> None:
    for number, answers in more.items():
        to[number] = to.get(number, 0) + answers


def unpacked(hours: Iterable[bytes]) -> Classes:
    """Those of several hours together."""
    total: Classes = {}
    for hour in hours:
        add(total, _decode(hour))
    return total


def percentile_ms(classes: Mapping[int, int], share: float) -> float | None:
    """So many of all answers took no longer than this."""
    needed = share * sum(classes.values())
    for number in sorted(classes):
        needed -= classes[number]
        if needed <= 0:
            return UPPER_MS[number]
    return None
