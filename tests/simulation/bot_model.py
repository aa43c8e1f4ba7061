"""One bot as somebody sees it who only looks on: what may leave it now, and in which order."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

from actors.guards import Policy
from actors.slot import Slot
from domain import events as e
from domain.bot import Bot
from domain.failure import Answer, Category, Failure
from tests.simulation.guard_models import A_MOMENT_S, LATE_START_S, BreakerModel, HoldsModel, PaceModel
from tests.simulation.permits import FleetModel
from tests.simulation.telegram import Arrived


class BotModel:
    def __init__(self, policy: Policy, fleet: FleetModel) -> None:
        self._policy, self._fleet = policy, fleet
        self.breaker, self.holds, self.pace = BreakerModel(policy), HoldsModel(), PaceModel(policy)
        self._lanes: dict[str, dict[str, None]] = defaultdict(dict)
        """The open commands of each chat, in the order in which they came."""
        self._starting: dict[str, float] = {}
        """Dispatched, and not yet out: when."""
        self._out: dict[str, None] = {}
        self._is_suspended = False

    def restarted(self, bot: Bot, events: Iterable[e.Event]) -> None:
        self._lanes.clear()
        self._starting.clear()
        self._out.clear()
        self._is_suspended = bot.suspended is not None or bot.owner is None
        self.breaker.restarted(bot)
        self.holds.restarted(events)
        self.pace.restarted()

    def joins(self, command_id: str, chat: str | None) -> None:
        if chat is not None:
            self._lanes[chat][command_id] = None

    def ended(self, command_id: str, chat: str | None) -> None:
        self._starting.pop(command_id, None)
        self._out.pop(command_id, None)
        if chat is not None:
            self._lanes[chat].pop(command_id, None)

    def left(self, call: Arrived, chat: str | None, now: float) -> Iterator[str]:
        """`chat`: where it was first to go, whose order it keeps."""
        command_id = call.command_id
        if self._is_suspended:
            yield f"{command_id} leaves while its bot is suspended"
        yield from self.holds.left(call, now)
        yield from self.pace.left(command_id, now)
        dispatched_at = self._starting.pop(command_id, -math.inf)
        if now - dispatched_at > LATE_START_S + A_MOMENT_S:
            dispatched_at = now
            yield from self._dispatched(command_id, call.method, call.chat, now)
        yield from self.breaker.left(command_id, dispatched_at, now)
        first = command_id if chat is None else next(iter(self._lanes[chat]), None)
        if first != command_id:
            yield f"{command_id} leaves before {first}, which came before it into the same chat"
        self._out[command_id] = None
        if len(self._out) > self._policy.max_in_flight:
            yield f"{command_id}: {len(self._out)} calls are out at once"

    def came(self, call: Arrived, answer: Answer, now: float, slot: Slot | None) -> None:
        self._out.pop(call.command_id, None)
        self.breaker.probes.pop(call.command_id, None)
        if isinstance(answer, Failure) and answer.category is Category.RATE_LIMIT:
            is_heard = slot is not None and slot.actor is not None and slot.actor.is_alive()
            self.holds.came(call, answer, now, is_heard=is_heard)

    def noted(self, event: e.Event, now: float) -> Iterator[str]:
        if isinstance(event, e.CommandStarted):
            self._starting[event.command_id] = now
            yield from self._dispatched(event.command_id, event.method, event.chat, now)
        if isinstance(event, (e.BotSuspended, e.BotResumed, e.BotRemoved, e.BotRegistered)):
            self._is_suspended = isinstance(event, (e.BotSuspended, e.BotRemoved))
        if isinstance(event, e.HoldPlaced):
            self.pace.flooded(now)
        yield from self.breaker.noted(event, now)
        if isinstance(event, e.Ended):
            self.ended(event.command_id, None)

    def _dispatched(self, command_id: str, method: str, chat: str | None, now: float) -> Iterator[str]:
        self.breaker.dispatched(command_id)
        yield from self._fleet.dispatched(command_id, method, now)
        yield from self.pace.dispatched(command_id, chat, now)
