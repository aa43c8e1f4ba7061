"""When an update goes to its tenant's endpoint again, and when an endpoint is given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
"""After the first failure, after the second; the last one ever after."""
LANES_AT_ONCE = 8
DOUBTED_AFTER = 20
"""Failures in a row, after which an endpoint gets one update at a time."""
RECORDED_AFTER = timedelta(hours=1)
WARNED_AFTER = timedelta(days=2)
DISABLED_AFTER = timedelta(days=3)
KEPT = timedelta(hours=24)
"""How long an update waits for its tenant."""
REMEMBERED = timedelta(hours=48)
"""How long it is known that an update was here: Telegram may bring it again."""
TAKEN, GONE = range(200, 300), 410
"""HTTP statuses."""


class Verdict(Enum):
    TAKEN = "taken"
    AGAIN = "again"
    GONE = "gone"


def verdict(status: int | None) -> Verdict:
    """Of an endpoint's answer; None: there was none."""
    if status in TAKEN:
        return Verdict.TAKEN
    return Verdict.GONE if status == GONE else Verdict.AGAIN


def pause_s(attempts: int, jitter: float) -> float:
    """Before the next one, a quarter less or more. `attempts` counts from 1; `jitter` is in [0, 1)."""
    return PAUSES_S[min(attempts, len(PAUSES_S)) - 1] * (0.75 + jitter / 2)


def width(failures_in_a_row: int) -> int:
    """How many lanes may go at once."""
    return LANES_AT_ONCE if failures_in_a_row < DOUBTED_AFTER else 1


@dataclass(frozen=True, slots=True)
class Failing:
    """An endpoint that has taken nothing since; `is_recorded` and `is_warned`: what the log knows of that."""

    since: datetime
    is_recorded: bool = False
    is_warned: bool = False


class Step(Enum):
    RECORD = "record"
    WARN = "warn"
    DISABLE = "disable"


def due(failing: Failing, now: datetime) -> Step | None:
    """What a further failure means now."""
    lasted = now - failing.since
    if lasted >= DISABLED_AFTER:
        return Step.DISABLE
    if lasted >= WARNED_AFTER and not failing.is_warned:
        return Step.WARN
    if lasted >= RECORDED_AFTER and not failing.is_recorded:
        return Step.RECORD
    return None
