"""The numbers of one column, recorded or replayed, and what differs between two of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from domain.failure import Final
from domain.whatif.tale import End, Tale

SAME_WITHIN_S = 0.05
"""A command that ends so little later or sooner is taken to end at the same time."""


class Quantiles(msgspec.Struct, frozen=True):
    """None: there was nothing to measure."""

    p50: float | None
    p99: float | None


class Column(msgspec.Struct, frozen=True, kw_only=True):
    outcomes: dict[str, int]
    not_sent_because: dict[str, int]
    attempts: int
    retries: int
    floods: int
    """429s."""
    floods_below: int
    """Of these: met below the recorded rate, where they might not have come."""
    assumed_answers: int
    """Attempts whose answer Telegram never gave."""
    assumed_outcomes: int
    """Commands whose end rests on one."""
    breaker_openings: int
    breaker_open_s: float
    """Not closed: open or probing, of all bots together."""
    waited_ms: Quantiles
    """From arrival to the first attempt."""
    delivered_after_ms: Quantiles


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Later and sooner: of the commands that were delivered in both."""

    later: int
    later_by_s: Quantiles
    sooner: int
    sooner_by_s: Quantiles
    outcomes_changed: dict[str, int]
    """`"not_sent, delivered": 3`: from what, to what."""


def column(tales: Sequence[Tale], ends: Sequence[End], spans: Iterable[tuple[float, float]]) -> Column:
    """`spans`: when a breaker was not closed, within the range."""
    opened = list(spans)
    finals = Counter(end.final.value for end in ends)
    waits = [end.waited_s for end in ends if end.waited_s is not None]
    delivered = [end.at - tale.arrived for tale, end in zip(tales, ends, strict=True) if end.final is Final.DELIVERED]
    return Column(
        outcomes={final.value: finals[final.value] for final in Final},
        not_sent_because=dict(Counter(end.code for end in ends if end.final is Final.NOT_SENT).most_common()),
        attempts=sum(end.attempts for end in ends),
        retries=sum(max(end.attempts - 1, 0) for end in ends),
        floods=sum(end.floods for end in ends),
        floods_below=sum(end.floods_below for end in ends),
        assumed_answers=sum(end.assumed for end in ends),
        assumed_outcomes=sum(end.assumed > 0 for end in ends),
        breaker_openings=len(opened),
        breaker_open_s=round(sum(until - since for since, until in opened), 1),
        waited_ms=_quantiles(waits, 1000),
        delivered_after_ms=_quantiles(delivered, 1000),
    )


def difference(before: Sequence[End], after: Sequence[End]) -> Difference:
    """Of the same commands in the same order."""
    pairs = list(zip(before, after, strict=True))
    both = [then.at - now.at for now, then in pairs if now.final is then.final is Final.DELIVERED]
    later = [by for by in both if by > SAME_WITHIN_S]
    sooner = [-by for by in both if -by > SAME_WITHIN_S]
    changes = Counter(f"{now.final.value}, {then.final.value}" for now, then in pairs if now.final is not then.final)
    return Difference(
        later=len(later),
        later_by_s=_quantiles(later),
        sooner=len(sooner),
        sooner_by_s=_quantiles(sooner),
        outcomes_changed=dict(changes.most_common()),
    )


def _quantiles(values: list[float], factor: float = 1.0) -> Quantiles:
    if not values:
        return Quantiles(None, None)
    ordered = sorted(values)
    return Quantiles(*(round(ordered[math.ceil(share * len(ordered)) - 1] * factor, 3) for share in (0.5, 0.99)))
