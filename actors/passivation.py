"""Who may sleep: a bot that has been idle for long, and beyond the bound those that were used least lately.

A sleeping bot is its slot and nothing else; the next command wakes it. One that Telegram holds, that goes at a reduced
pace or that has anything open stays awake: that is what its actor remembers.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from actors.guards import Policy
from actors.ports import Ports
from actors.runtime import stop_soon
from actors.slot import Slot
from domain import events
from domain.rules import holds, pacing
from domain.rules.breaker import Phase

BEATS_A_TIMEOUT = 10
MIN_BEAT_S, MAX_BEAT_S = 0.05, 60.0


class Beat:
    """Time to look who sleeps."""


BEAT = Beat()


class Passivation:
    def __init__(self, slots: dict[int, Slot], ports: Ports, policy: Policy, tell: Callable[[object], None]) -> None:
        """`tell` reaches the supervisor."""
        self._slots, self._ports, self._policy, self._tell = slots, ports, policy, tell

    def next_beat(self) -> None:
        beat_s = min(max(self._policy.idle_timeout_s / BEATS_A_TIMEOUT, MIN_BEAT_S), MAX_BEAT_S)
        self._ports.timers.at(self._ports.clock.steady() + beat_s, lambda: self._tell(BEAT))

    def beat(self) -> None:
        now = self._ports.clock.steady()
        awake = [slot for slot in self._slots.values() if slot.actor is not None]
        idle = [slot for slot in awake if now - slot.used_at >= self._policy.idle_timeout_s]
        too_many = len(awake) - self._policy.max_active_bots
        least_used = heapq.nsmallest(too_many, awake, key=lambda slot: slot.used_at) if too_many > 0 else []
        for slot in {id(slot): slot for slot in (*idle, *least_used)}.values():
            if self._may_sleep(slot, now):
                self._put_to_sleep(slot)
        self.next_beat()

    def _may_sleep(self, slot: Slot, now: float) -> bool:
        memory = slot.memory
        return (
            slot.open_commands == 0
            and not slot.waking
            and not slot.looks
            # A change that it has not read yet may have it ask Telegram, and a sleeper hears no answer.
            and (slot.actor is None or slot.actor.actor_inbox.empty())
            and memory.breaker.phase in (Phase.CLOSED, Phase.OPEN, Phase.FORCED)
            and not holds.any_active(memory.holds, now)
            and pacing.recovered(self._policy.pace, memory.slow, now)
        )

    def _put_to_sleep(self, slot: Slot) -> None:
        actor, slot.actor = slot.actor, None
        if actor is not None:
            # Whatever is in its inbox comes first; what comes later waits in the slot.
            stop_soon(actor)
        slot.full_at = pacing.still_filling(slot.full_at or {}, self._ports.clock.steady()) or None
        owner = slot.tenants[0] if slot.tenants else ""
        now = self._ports.clock.utc()
        self._ports.journal.note(events.ActorPassivated(occurred_at=now, bot_id=slot.bot_id, tenant_id=owner))
