"""Today's policy, from the settings."""

from __future__ import annotations

from domain.whatif.policy import Policy
from ops.parts import policy_of
from ops.settings import Settings


def today_of(settings: Settings) -> Policy:
    policy = policy_of(settings)
    return Policy(
        pace=policy.pace,
        breaker=policy.breaker,
        retry=policy.retry,
        max_in_flight=policy.max_in_flight,
        max_waiting=policy.max_waiting,
        fleet_rps=settings.fleet_rps,
        telegram_timeout_s=policy.telegram_timeout_s,
        command_deadline_s=settings.command_deadline_s,
    )
