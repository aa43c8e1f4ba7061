"""May this command leave now? Every gate in the order of the design: breaker, holds, pace, in-flight bound.

Asking takes nothing, so a waiting command costs nobody anything; only a dispatch takes what it needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from domain.rules import breaker, holds, pacing


@dataclass(frozen=True, slots=True)
class Call:
    """What the gates look at in a command. `patient`: its caller does not stand waiting, so it sits out a breaker.

    `leaves_by`: later it is not worth sending.
    """

    method: str
    chat: str | None
    leaves_by: float
    patient: bool = False
    cosmetic: bool = False


class Situation(NamedTuple):
    """Made anew for each look at a command, so it is the kind of value that is cheapest to make."""

    breaker: breaker.Breaker
    holds: holds.Holds
    pace: pacing.PacePolicy
    slow: pacing.Slowdown | None
    full_at: Mapping[str, float]
    in_flight: int
    max_in_flight: int


class Stay(NamedTuple):
    """`until` infinity: until something happens, not until a time."""

    until: float
    because: str
    whole_bot: bool
    """Nothing else of this bot can leave either."""


class Refuse(NamedTuple):
    code: str
    retry_after_s: float | None


REFUSED_AS = {
    "breaker": "breaker_open",
    "hold": "telegram_hold",
    "pace": "rate_limited",
    "in_flight": "rate_limited",
    "method_limit": "rate_limited",
}


def verdict(call: Call, bot: Situation, now: float) -> Stay | Refuse | None:
    """None: it may leave."""
    stay = _first_closed(call, bot, now)
    if stay is None:
        return None if now < call.leaves_by else Refuse("deadline_exceeded", None)
    # An open breaker answers at once.
    hopeless = stay.because == "breaker" and not (call.patient or breaker.probing(bot.breaker))
    return judged(call, stay, now, hopeless=hopeless)


def judged(call: Call, stay: Stay, now: float, *, hopeless: bool = False) -> Stay | Refuse:
    """Whether it is worth the wait."""
    ends = stay.until < math.inf
    too_late = ends and stay.until >= call.leaves_by
    # A typing indicator that comes late is worth nothing and makes room for messages.
    if too_late or hopeless or call.cosmetic:
        return Refuse(REFUSED_AS[stay.because], stay.until - now if ends else None)
    return stay


def _first_closed(call: Call, bot: Situation, now: float) -> Stay | None:
    blocked = breaker.blocked(bot.breaker, now)
    if blocked is not None:
        return Stay(blocked.until, "breaker", whole_bot=True)
    held = holds.held_until(bot.holds, call.method, call.chat, now)
    if held is not None:
        bot_held = bot.holds.until.get(holds.BOT, now)
        return Stay(bot_held, "hold", whole_bot=True) if bot_held > now else Stay(held, "hold", whole_bot=False)
    for rate in pacing.rates(bot.pace, call.chat, bot.slow, now):
        at = pacing.leaves_at(bot.full_at, rate)
        if at > now:
            return Stay(at, "pace", whole_bot=rate.scope == pacing.BOT)
    if bot.in_flight >= bot.max_in_flight:
        return Stay(math.inf, "in_flight", whole_bot=True)
    return None
