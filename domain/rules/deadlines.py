"""By when a command must have left, so that its caller still learns what became of it."""

from __future__ import annotations

TO_ANSWER_S = 0.5
"""Telegram mostly answers within half of it."""
MOST_OF_ITS_TIME = 0.25
"""Of a short deadline no more than this is kept for the answer."""


def leaves_by(arrived: float, deadline: float, *, repeatable: bool) -> float:
    """Steady seconds. One that left later might be taken, and nobody hear of it; where it may be repeated, no harm."""
    return deadline if repeatable else deadline - min(TO_ANSWER_S, (deadline - arrived) * MOST_OF_ITS_TIME)
