"""Whether we go at all: closed, open for a while, then one probe at a time.

An answer counts only in the epoch in which its call was dispatched: late answers of calls made before the breaker
opened change nothing. A probe carries a number and ends by itself, so a lost one does not silence the bot for ever.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple


class Phase(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    FORCED = "forced_open"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """`slow_call_s` 0 means that slowness never opens it."""

    failures: int = 5
    cooldown_s: float = 60.0
    successes: int = 2
    probe_timeout_s: float = 15.0
    slow_call_s: float = 0.0
    slow_share: float = 0.5
    slow_window: int = 20


@dataclass(frozen=True, slots=True)
class Breaker:
    phase: Phase = Phase.CLOSED
    epoch: int = 0
    failures: int = 0
    successes: int = 0
    open_until: float = 0.0
    probes: int = 0
    probe_until: float = 0.0
    """0 while no probe is out."""
    calls: int = 0
    slow_calls: int = 0
    """Of the last `calls`, at most a window's worth."""


CLOSED = Breaker()
"""Where every bot starts; one object for all of them."""


class Pass(NamedTuple):
    """What a dispatched call shows when it comes back."""

    epoch: int
    probe: int = 0


class Blocked(NamedTuple):
    until: float
    probing: bool
    """A probe is out: waiting for it is worth while."""


def probing(breaker: Breaker) -> bool:
    """Waiting for a probe's answer is worth while; waiting out a cool-down is for the patient."""
    return breaker.phase is Phase.HALF_OPEN


def blocked(breaker: Breaker, now: float) -> Blocked | None:
    """Why a call may not leave now, or None: it may."""
    match breaker.phase:
        case Phase.CLOSED:
            return None
        case Phase.FORCED:
            return Blocked(math.inf, probing=False)
        case Phase.OPEN:
            return Blocked(breaker.open_until, probing=False) if now < breaker.open_until else None
        case Phase.HALF_OPEN:
            return Blocked(breaker.probe_until, probing=True) if now < breaker.probe_until else None


def dispatched(breaker: Breaker, policy: BreakerPolicy, now: float) -> tuple[Breaker, Pass]:
    """Takes the probe where one is needed. Only for a call that `blocked` let go."""
    if breaker.phase is Phase.CLOSED:
        return breaker, Pass(breaker.epoch)
    # An open one whose time is over becomes half-open by the first call that leaves.
    epoch = breaker.epoch + 1 if breaker.phase is Phase.OPEN else breaker.epoch
    successes = 0 if breaker.phase is Phase.OPEN else breaker.successes
    probing = replace(
        breaker,
        phase=Phase.HALF_OPEN,
        epoch=epoch,
        successes=successes,
        probes=breaker.probes + 1,
        probe_until=now + policy.probe_timeout_s,
    )
    return probing, Pass(epoch, probing.probes)


def succeeded(breaker: Breaker, policy: BreakerPolicy, held: Pass, took_s: float, now: float) -> Breaker:
    if _stale(breaker, held):
        return breaker
    if breaker.phase is Phase.HALF_OPEN:
        successes = breaker.successes + 1
        if successes >= policy.successes:
            return Breaker(epoch=breaker.epoch + 1, probes=breaker.probes)
        return replace(breaker, successes=successes, probe_until=0.0)
    if policy.slow_call_s <= 0:
        return breaker if breaker.failures == 0 else replace(breaker, failures=0)
    return _measured(replace(breaker, failures=0), policy, slow=took_s >= policy.slow_call_s, now=now)


def failed(breaker: Breaker, policy: BreakerPolicy, held: Pass, now: float) -> Breaker:
    """One failed command, whatever its number of attempts."""
    if _stale(breaker, held):
        return breaker
    failures = breaker.failures + 1
    if breaker.phase is Phase.HALF_OPEN or failures >= policy.failures:
        return opened(breaker, policy, now)
    return replace(breaker, failures=failures)


def undecided(breaker: Breaker, held: Pass) -> Breaker:
    """Telegram neither worked nor failed (a refusal, a 429, a call that never left): a probe is free again."""
    if _stale(breaker, held) or breaker.phase is not Phase.HALF_OPEN:
        return breaker
    return replace(breaker, probe_until=0.0)


def still_holds(breaker: Breaker, held: Pass) -> bool:
    """Whether a call dispatched with this may go out now, and its answer counts."""
    return not _stale(breaker, held)


def opened(breaker: Breaker, policy: BreakerPolicy, now: float) -> Breaker:
    return Breaker(phase=Phase.OPEN, epoch=breaker.epoch + 1, open_until=now + policy.cooldown_s, probes=breaker.probes)


def forced(breaker: Breaker) -> Breaker:
    """Open until an admin resets it."""
    return Breaker(phase=Phase.FORCED, epoch=breaker.epoch + 1, probes=breaker.probes)


def reset(breaker: Breaker) -> Breaker:
    return Breaker(epoch=breaker.epoch + 1, probes=breaker.probes)


def handed_over(breaker: Breaker, *, is_forced: bool) -> Breaker:
    """To another tenant, or to nobody. `is_forced`: by an operator, and not reset; all else was the former one's."""
    if not is_forced:
        return reset(breaker)
    return breaker if breaker.phase is Phase.FORCED else forced(breaker)


def _stale(breaker: Breaker, held: Pass) -> bool:
    return held.epoch != breaker.epoch or (breaker.phase is Phase.HALF_OPEN and held.probe != breaker.probes)


def _measured(breaker: Breaker, policy: BreakerPolicy, *, slow: bool, now: float) -> Breaker:
    # Two counters instead of a ring: a full window forgets half of itself, so old slowness fades.
    calls, slow_calls = breaker.calls + 1, breaker.slow_calls + slow
    if calls < policy.slow_window:
        return replace(breaker, calls=calls, slow_calls=slow_calls)
    if slow_calls >= policy.slow_share * calls:
        return opened(breaker, policy, now)
    return replace(breaker, calls=calls // 2, slow_calls=slow_calls // 2)
