"""Lives of the whole fleet, simulated, and then replayed from their logs under the policy that they had."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import msgspec
import pytest

from domain.command import Command
from domain.whatif.policy import Policy
from domain.whatif.report import Report
from tests.domain.whatif.days import asked
from tests.simulation import world as worlds
from tests.simulation.callers import Callers
from tests.simulation.plan import Plan, plan_of
from tests.simulation.world import World

SEEDS = range(1, 61)
CHANGED_AT_MOST = 0.02
"""Of all commands: where two come in the same millisecond the disk decides who is first."""


def undisturbed(chance: Random) -> Plan:
    """Telegram and the tenants as bad as ever; our own process, its actors and its disk work."""
    plan = plan_of(chance)
    faults = replace(
        plan.faults, stalls=0.0, slow_commits=0.0, actor_crashes=0, crashes_inside=0.0, process_crashes=0,
        strangers=0, unreadable=0.0, late_s=0.0,
    )  # fmt: skip
    policy = replace(plan.policy, idle_timeout_s=900.0, max_active_bots=1000)
    return replace(plan, faults=faults, policy=policy, max_backlog=1000)


@pytest.fixture
def callers_of_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plain command's caller asked for beyond the command is not recorded: here all ask for the usual."""
    as_they_are = Callers._a_command  # noqa: SLF001  there is no other seam

    def usual(self: Callers, command_id: str, bot_id: int) -> Command:
        command = as_they_are(self, command_id, bot_id)
        return msgspec.structs.replace(command, deadline_s=30.0, patient=False, retry_uncertain=False)

    monkeypatch.setattr(Callers, "_a_command", usual)


def replayed(seed: int, **change: object) -> Report:
    world = World(seed, 0)
    assert [] == world.runs()
    plan = world.plan
    today = Policy(
        plan.policy.pace, plan.policy.breaker, plan.policy.retry, plan.policy.max_in_flight, plan.policy.max_waiting,
        plan.fleet_rps, plan.policy.telegram_timeout_s,
    )  # fmt: skip
    return asked(world._disk.log, today, **change)  # type: ignore[arg-type]  # noqa: SLF001


@pytest.mark.usefixtures("callers_of_one_kind")
def test_under_the_policy_they_had_lives_are_replayed_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "plan_of", undisturbed)
    reports = [replayed(seed, bot_rps=99) for seed in SEEDS]
    commands = sum(report.commands for report in reports)
    changed = sum(sum(report.model_error.outcomes_changed.values()) for report in reports)
    recorded, today = (sum(getattr(report, column).attempts for report in reports) for column in ("recorded", "today"))

    assert changed <= CHANGED_AT_MOST * commands
    assert today == pytest.approx(recorded, rel=CHANGED_AT_MOST)


@pytest.mark.parametrize("first", range(1, 61, 20))
def test_whatever_went_wrong_every_command_is_in_each_column_once(first: int) -> None:
    for seed in range(first, first + 20):
        report = replayed(seed, bot_rps=3, breaker_failures=1, retries=3, fleet_rps=7)

        assert {report.commands} == {
            sum(column.outcomes.values()) for column in (report.recorded, report.today, report.other)
        }, seed
