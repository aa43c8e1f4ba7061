"""How fast we go by ourselves: per bot, per chat, per group.

Each scope is one number, the time at which its bucket is full again (the generic cell rate algorithm), so pacing a chat
costs a float and forgetting it costs nothing. Rates stay below what Telegram publishes (about 30/s, 1/s, 20/min).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

BOT = "bot"
CHAT_BURST = 3
GROUP_BURST = 5
PUBLISHED_RPS = 25.0
"""What an unlimited bot is slowed from after a 429, and until."""
RECOVERY_STEP_S = 10.0
"""A slowed bot gains 1/s in each of these."""


@dataclass(frozen=True, slots=True)
class PacePolicy:
    """0 turns a limit off."""

    bot_rps: float = PUBLISHED_RPS
    chat_rps: float = 1.0
    group_rpm: float = 20.0


class Rate(NamedTuple):
    scope: str
    interval_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Slowdown:
    """After a 429: the pace that was left, and when."""

    rps: float
    since: float


def is_group(chat: str) -> bool:
    """Telegram gives groups and channels negative numbers; a name (@channel) is never a private chat."""
    return chat.startswith(("-", "@"))


def rates(policy: PacePolicy, chat: str | None, slow: Slowdown | None, now: float) -> tuple[Rate, ...]:
    """The buckets that a call must find open, the widest first."""
    found = []
    bot_rps = bot_rate(policy, slow, now)
    if bot_rps > 0:
        # No burst: at 2/s there are never more than 2 in any second.
        found.append(Rate(BOT, 1 / bot_rps, 1))
    if chat is not None and policy.chat_rps > 0:
        found.append(Rate(f"chat:{chat}", 1 / policy.chat_rps, CHAT_BURST))
    if chat is not None and policy.group_rpm > 0 and is_group(chat):
        # The burst comes out of the same minute, so that no 60 seconds ever hold more than the limit.
        burst = min(GROUP_BURST, max(1, int(policy.group_rpm) // 2))
        steady = max(policy.group_rpm - burst, policy.group_rpm / 2)
        found.append(Rate(f"group:{chat}", 60 / steady, burst))
    return tuple(found)


def leaves_at(full_at: Mapping[str, float], rate: Rate) -> float:
    """When this bucket lets the next call go; in the past: now."""
    return full_at.get(rate.scope, -math.inf) - (rate.burst - 1) * rate.interval_s


def taken(full_at: Mapping[str, float], needed: tuple[Rate, ...], now: float) -> dict[str, float]:
    """The buckets that change when a call leaves now."""
    return {rate.scope: max(full_at.get(rate.scope, now), now) + rate.interval_s for rate in needed}


def still_filling(full_at: Mapping[str, float], now: float) -> dict[str, float]:
    """What must be remembered; a full bucket is like one never used."""
    return {scope: at for scope, at in full_at.items() if at > now}


def repaced(full_at: Mapping[str, float], policy: PacePolicy, slow: Slowdown | None, now: float) -> dict[str, float]:
    """After a change of the pace: what was sent still counts, as far as the new one can count it.

    So nobody waits for as long as a former pace, perhaps a former owner's, would have had them wait.
    """
    found = [rate for scope in full_at for rate in rates(policy, scope.partition(":")[2] or None, slow, now)]
    most = {rate.scope: now + rate.burst * rate.interval_s for rate in found}
    return {scope: min(at, most.get(scope, at)) for scope, at in full_at.items()}


def bot_rate(policy: PacePolicy, slow: Slowdown | None, now: float) -> float:
    if slow is None:
        return policy.bot_rps
    regained = slow.rps + max(0, math.floor((now - slow.since) / RECOVERY_STEP_S))
    if policy.bot_rps <= 0:
        return regained if regained < PUBLISHED_RPS else policy.bot_rps
    return min(policy.bot_rps, regained)


def slowed(policy: PacePolicy, slow: Slowdown | None, now: float) -> Slowdown:
    """A 429 halves the pace; an unlimited bot is slowed from what Telegram publishes for one."""
    current = bot_rate(policy, slow, now) or PUBLISHED_RPS
    return Slowdown(max(current / 2, 0.5), now)


def recovered(policy: PacePolicy, slow: Slowdown | None, now: float) -> bool:
    return slow is None or bot_rate(policy, slow, now) == policy.bot_rps
