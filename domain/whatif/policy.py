"""The numbers that decide when a command leaves, and a change of some of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from domain.config import Count, Rate, Seconds
from domain.failure import Strategy
from domain.rules import retry
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy

FleetRate = Annotated[float, Meta(ge=0, le=100_000)]


@dataclass(frozen=True, slots=True)
class Policy:
    """`command_deadline_s` is for commands whose own deadline the log does not have."""

    pace: PacePolicy = field(default_factory=PacePolicy)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    retry: retry.RetryPolicy = retry.DEFAULT
    max_in_flight: int = 30
    max_waiting: int = 1000
    fleet_rps: float = 25.0
    telegram_timeout_s: float = 60.0
    command_deadline_s: float = 30.0


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """None: as it is today. The names are those of the settings; a rate of 0 turns the limit off."""

    bot_rps: Rate | None = None
    chat_rps: Rate | None = None
    group_rpm: Rate | None = None
    fleet_rps: FleetRate | None = None
    max_in_flight: Count | None = None
    max_waiting: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    breaker_failures: Count | None = None
    breaker_cooldown_s: Seconds | None = None
    breaker_successes: Count | None = None
    breaker_probe_timeout_s: Seconds | None = None
    breaker_slow_call_s: Annotated[float, Meta(ge=0, le=3600)] | None = None
    breaker_slow_share: Annotated[float, Meta(gt=0, le=1)] | None = None
    breaker_slow_window: Count | None = None
    retries: Annotated[int, Meta(ge=0, le=10)] | None = None
    retry_strategy: Strategy | None = None
    retry_base_s: Seconds | None = None
    retry_cap_s: Seconds | None = None

    @property
    def given(self) -> dict[str, Any]:
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


FLEET_WIDE = ("fleet_rps", "max_waiting")
"""What concerns every bot; the rest is the policy of the bots that are asked about."""

PLACES: dict[str, tuple[str, ...]] = {
    **{name: ("pace", name) for name in ("bot_rps", "chat_rps", "group_rpm")},
    **{name: (name,) for name in ("fleet_rps", "max_in_flight", "max_waiting")},
    **{f"breaker_{one.name}": ("breaker", one.name) for one in dataclasses.fields(BreakerPolicy)},
    "retries": ("retry", "retries"),
    "retry_strategy": ("retry", "strategy"),
    "retry_base_s": ("retry", "base_s"),
    "retry_cap_s": ("retry", "cap_s"),
}
"""Where each field of a change stands in a policy."""


def changed(policy: Policy, change: Change) -> Policy:
    for name, value in change.given.items():
        policy = _with(policy, PLACES[name], value)
    return policy


def numbers(policy: Policy) -> dict[str, Any]:
    """The policy as a change names it."""
    return {name: _at(policy, place) for name, place in PLACES.items()}


def _with(whole: Any, place: tuple[str, ...], value: object) -> Any:
    name, *rest = place
    return replace(whole, **{name: _with(getattr(whole, name), tuple(rest), value) if rest else value})


def _at(whole: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        whole = getattr(whole, name)
    return whole
