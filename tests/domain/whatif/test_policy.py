"""A change of a policy: each of its fields is one number of it, and nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from domain.config import BreakerConfig, Config, RetryConfig
from domain.failure import Strategy
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from domain.rules.retry import RetryPolicy
from domain.whatif.fleet import Rules
from domain.whatif.policy import PLACES, Change, Policy, changed, numbers

OTHER: dict[str, Any] = {
    "bot_rps": 15.0, "chat_rps": 2.0, "group_rpm": 7.0, "fleet_rps": 3.0, "max_in_flight": 4, "max_waiting": 5,
    "breaker_failures": 3, "breaker_cooldown_s": 9.0, "breaker_successes": 6, "breaker_probe_timeout_s": 2.5,
    "breaker_slow_call_s": 1.5, "breaker_slow_share": 0.25, "breaker_slow_window": 11,
    "retries": 4, "retry_strategy": Strategy.FIBONACCI, "retry_base_s": 0.5, "retry_cap_s": 12.0,
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), OTHER.items())
def test_a_field_of_a_change_is_one_number_of_the_policy(name: str, value: object) -> None:
    after = numbers(changed(Policy(), Change(**{name: value})))

    assert {**numbers(Policy()), name: value} == after


def test_every_number_of_the_rules_can_be_another() -> None:
    in_rules = {
        *(field.name for field in dataclasses.fields(PacePolicy)),
        *(f"breaker_{field.name}" for field in dataclasses.fields(BreakerPolicy)),
        *({"retries": "retries"}.get(f.name, f"retry_{f.name}") for f in dataclasses.fields(RetryPolicy)),
        "fleet_rps",
        "max_in_flight",
        "max_waiting",
    }

    assert in_rules == set(Change.__struct_fields__) == PLACES.keys() == OTHER.keys()


@pytest.mark.parametrize("name", [name for name in OTHER if name != "retry_strategy"])
def test_nonsense_is_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({name: -1}, Change)


def test_a_bot_s_own_settings_stand_unless_the_change_names_them() -> None:
    own = Config(bot_rps=5, breaker=BreakerConfig(failures=2), retry=RetryConfig(base_s=3.0))
    today, other = Rules(Policy(), Change(bot_rps=15.0, breaker_cooldown_s=9.0)).of(1, own)

    assert (5, 2, 60.0, 3.0) == (
        today.pace.bot_rps, today.breaker.failures, today.breaker.cooldown_s, today.retry.base_s,
    )  # fmt: skip
    assert (15, 2, 9.0, 3.0) == (
        other.pace.bot_rps, other.breaker.failures, other.breaker.cooldown_s, other.retry.base_s,
    )  # fmt: skip


def test_a_bot_that_was_not_asked_about_keeps_today_s_policy() -> None:
    rules = Rules(Policy(), Change(bot_rps=15.0, fleet_rps=3.0), concerns=lambda bot_id: bot_id == 1)

    assert (15.0, 25.0) == (rules.of(1, Config())[1].pace.bot_rps, rules.of(2, Config())[1].pace.bot_rps)
    assert (3.0, 25.0) == (rules.fleet.fleet_rps, rules.fleet.pace.bot_rps)
