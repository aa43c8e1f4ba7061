"""When a failed actor is started again, and when it is not any more.

Each failure in a row waits twice as long. More than five in a minute are no accident: the bot is given up, and tried
again after ten minutes, then twenty, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

BASE_S, CAP_S = 0.1, 30.0
WINDOW_S = 60.0
RESTARTS_MAX = 5
REST_S, REST_CAP_S = 600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Restarts:
    failed_at: tuple[float, ...] = ()
    """Within the window."""
    given_up: int = 0


class Again(NamedTuple):
    after_s: float


class GiveUp(NamedTuple):
    rest_s: float


def failed(restarts: Restarts, now: float) -> tuple[Restarts, Again | GiveUp]:
    recent = (*(at for at in restarts.failed_at if now - at < WINDOW_S), now)
    if len(recent) > RESTARTS_MAX:
        rest_s = min(REST_CAP_S, REST_S * 2.0**restarts.given_up)
        return Restarts((), restarts.given_up + 1), GiveUp(rest_s)
    return Restarts(recent, restarts.given_up), Again(pause_s(len(recent)))


def pause_s(failures: int) -> float:
    """After so many within the window."""
    return min(CAP_S, BASE_S * 2.0 ** min(failures - 1, 20))
