"""What a seed stands for: the fleet, its limits, how much goes wrong, and every single draw after that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from actors.guards import Policy
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from tests.examples import BOT_ID

TENANTS = ("acme", "globex", "initech")
ONCE_WITH_CHAT, ONCE_WITHOUT = "sendMessage", "createInvoiceLink"
REPEATABLE_WITH_CHAT, REPEATABLE_WITHOUT = "editMessageText", "setMyCommands"
COSMETIC = "sendChatAction"
METHODS = (
    *[ONCE_WITH_CHAT] * 9,
    *[REPEATABLE_WITH_CHAT] * 3,
    *[COSMETIC] * 2,
    *[ONCE_WITHOUT] * 3,
    *[REPEATABLE_WITHOUT] * 2,
    "deleteMessage",
)
BREAKING, FLOODING = 0.15, 0.1
"""The shares of runs that are about the breaker and about 429s while starts are being recorded."""
SHARED = 0.2
"""The share of runs in which other processes take some of the fleet's limits."""
WITHOUT_CHAT = (ONCE_WITHOUT, REPEATABLE_WITHOUT)


@dataclass(frozen=True, slots=True)
class Faults:
    """How often: a share of the draws, or the mean number of times a run."""

    telegram: float
    floods: float
    stalls: float
    slow_commits: float
    actor_crashes: int
    crashes_inside: float
    process_crashes: int
    lifecycle: int
    strangers: int
    unreadable: float
    late_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    bots: dict[int, str]
    chats: dict[int, tuple[int, ...]]
    policy: Policy
    fleet_rps: float
    method_rps: dict[str, float]
    weights: dict[str, int]
    shared: bool
    max_backlog: int
    commands: int
    patient: float
    """The share of callers who do not stand waiting."""
    seconds: float
    faults: Faults

    def bots_and_chats(self) -> list[tuple[int, int]]:
        return [(bot_id, chat) for bot_id, chats in self.chats.items() for chat in dict.fromkeys(chats)]


def plan_of(chance: Random) -> Plan:
    bots = {BOT_ID + n: chance.choice(TENANTS) for n in range(chance.randint(1, 4))}
    policy = Policy(
        pace=PacePolicy(chance.choice((0, 2, 5, 25)), chance.choice((0, 1, 1, 3)), chance.choice((0, 6, 20))),
        breaker=BreakerPolicy(
            failures=chance.choice((2, 3, 5)),
            cooldown_s=chance.choice((1.5, 5, 10)),
            successes=chance.choice((1, 2)),
            probe_timeout_s=chance.choice((1.5, 15)),
        ),
        max_in_flight=chance.choice((1, 3, 30)),
        max_waiting=chance.choice((4, 20, 1000)),
        telegram_timeout_s=chance.choice((2, 10, 60)),
        idle_timeout_s=chance.choice((3.0, 900.0, 900.0)),
        max_active_bots=chance.choice((1, 1000, 1000)),
    )
    faults = _faults(chance)
    about = chance.random()
    if about < BREAKING:
        # Short times, so that a run sees a breaker through all its phases, with starts that take longer than a probe.
        policy = replace(
            policy, max_in_flight=30, breaker=BreakerPolicy(2, 0.4, chance.choice((1, 2, 3)), chance.choice((0.1, 0.3)))
        )
        faults = replace(faults, telegram=0.7, slow_commits=0.5)
    elif about < BREAKING + FLOODING:
        policy = replace(policy, max_in_flight=30, pace=replace(policy.pace, bot_rps=0))
        faults = replace(faults, telegram=0.6, floods=0.8, slow_commits=0.6)
    return Plan(
        bots=bots,
        chats={bot: tuple(chance.choice((1, 2, 3, -1, -2)) * 100 for _ in range(chance.randint(1, 4))) for bot in bots},
        policy=policy,
        fleet_rps=chance.choice((0, 0, 4, 15)),
        method_rps=chance.choice(({}, {}, {ONCE_WITHOUT: 1.0}, {ONCE_WITH_CHAT: 2.0, REPEATABLE_WITHOUT: 0.5})),
        weights=chance.choice(({}, {}, {"acme": 3})),
        shared=chance.random() < SHARED,
        max_backlog=chance.choice((5, 30, 1000)),
        commands=chance.randint(40, 80),
        patient=0.9 if about < BREAKING else 0.3,
        seconds=chance.choice((4, 15, 40)),
        faults=faults,
    )


def _faults(chance: Random) -> Faults:
    """Many runs are spared some kinds, so that each kind is also seen alone."""
    return Faults(
        telegram=chance.choice((0.0, 0.1, 0.3, 0.6)),
        floods=0.2,
        stalls=chance.choice((0.0, 0.0, 0.03, 0.1)),
        slow_commits=chance.choice((0.0, 0.2)),
        actor_crashes=chance.choice((0, 0, 1, 4)),
        crashes_inside=chance.choice((0.0, 0.0, 0.03)),
        process_crashes=chance.choice((0, 0, 1, 2)),
        lifecycle=chance.choice((0, 2, 6)),
        strangers=chance.choice((0, 0, 0, 1)),
        unreadable=chance.choice((0.0, 0.0, 0.2)),
        late_s=chance.choice((0.0, 0.03)),
    )
