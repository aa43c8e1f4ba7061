"""How a bot's actor comes to life, and what happens after it has failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from actors.bot import BotActor
from actors.fleet import BY, GIVEN_UP_SINCE
from actors.guards import Policy
from actors.inbox import LoopFuture
from actors.mail import Lifecycle, refuse_changes
from actors.messages import ClearAlert, RaiseAlert, ResumeBot, SuspendBot
from actors.permits import Permits
from actors.ports import Ports
from actors.slot import Slot
from domain import events
from domain.bot import Bot
from domain.errors import StoreError, StoreUnusable
from domain.refusal import Refused
from domain.rules import restarts
from domain.rules.restarts import GiveUp, Restarts
from domain.rules.tokens import Token

READ_AGAIN_S = 1.0
LOOK_EVERY_S = 0.5
GIVEN_UP = "bot_given_up"
TOKEN_SHREDDED = "its token cannot be opened any more: remove the bot and register it again"  # noqa: S105  a sentence
NOT_READ = Refused(
    "store_unavailable", "The bot could not be read from the event store. Nothing was sent; try again.", 2.0
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bots:
    """How bots are read and kept: given by the wiring, since it touches the store. Both block and raise StoreError.

    A bot with an owner and without a token: nobody can open it any more.
    """

    read: Callable[[int], tuple[Bot, Token | None]]
    seal: Callable[[str, Token], bytes]


@dataclass(frozen=True, slots=True)
class Restart:
    slot: Slot
    after_s: float


@dataclass(frozen=True, slots=True)
class TryAgain:
    """A bot that was given up for this reason has rested."""

    slot: Slot
    reason: str


@dataclass(frozen=True, slots=True)
class LookedAfter:
    """The time in which failures count is over, for a bot of which an alert is open."""

    slot: Slot
    since: float


@dataclass(frozen=True, slots=True)
class Read:
    """All that was written for this bot is on disk."""

    slot: Slot


Found = tuple[Bot, Token | None] | StoreError


class Incarnations:
    def __init__(
        self,
        bots: Bots,
        ports: Ports,
        permits: Permits,
        policy: Policy,
        tell: Callable[[object], None],
        beside: Callable[[Coroutine[Any, Any, Any], Callable[[Any], Any]], None],
        alert: Callable[[RaiseAlert | ClearAlert], None],
    ) -> None:
        """`tell` and `beside` are the supervisor's."""
        self._bots, self._ports, self._permits, self._policy = bots, ports, permits, policy
        self._tell, self._beside, self._alert = tell, beside, alert
        self._restarts: dict[int, Restarts] = {}
        self._incidents: set[int] = set()
        """Bots of which an alert is open."""
        self._looking: set[int] = set()

    def wake(self, slot: Slot) -> None:
        """Commands and messages that come meanwhile wait in the slot."""
        if not slot.waking:
            slot.waking = True
            # What its last incarnation wrote must be on disk before the next one reads.
            self._ports.journal.flush(lambda _: self._tell(Read(slot)))
            self._keep_deadlines(slot)

    def _keep_deadlines(self, slot: Slot) -> None:
        """Of commands that wait for an actor, however long the store or a back-off keeps it from coming."""

        def look() -> None:
            self._looking.discard(slot.bot_id)
            if slot.waking:
                slot.refuse_waiting(NOT_READ, self._ports.journal.release, self._ports.clock.steady())
                self._keep_deadlines(slot)

        if slot.bot_id not in self._looking:
            self._looking.add(slot.bot_id)
            self._ports.timers.at(self._ports.clock.steady() + LOOK_EVERY_S, look)

    def read(self, slot: Slot) -> None:
        self._beside(self._read(slot.bot_id), lambda found: self._woken(slot, found))

    def failed(self, slot: Slot, reason: str) -> None:
        slot.actor = None
        now = self._ports.clock.steady()
        state, what = restarts.failed(self._restarts.get(slot.bot_id, Restarts()), now)
        self._restarts[slot.bot_id] = state
        self._note(slot, events.ActorFailed, reason=reason)
        slot.waking = True
        self._keep_deadlines(slot)
        if isinstance(what, GiveUp):
            log.error("bot_given_up", bot_id=slot.bot_id, error=reason, rest_s=what.rest_s)
            slot.sick = f"{GIVEN_UP_SINCE} {restarts.RESTARTS_MAX + 1} times in a minute ({reason})"
            self.try_later(slot, slot.sick, what.rest_s)
            self._tell(Restart(slot, 0.0))
            owner = slot.tenants[0] if slot.tenants else ""
            rest = f"It is suspended and tried again in {what.rest_s / 60:g} minutes."
            if slot.bot_id not in self._incidents:
                self._look_after(slot)
            self._alert(RaiseAlert(GIVEN_UP, slot.bot_id, owner, f"Bot {slot.bot_id}: {slot.sick}. {rest}"))
        else:
            log.error("bot_actor_failed", bot_id=slot.bot_id, error=reason, restart_after_s=what.after_s)
            again = Restart(slot, what.after_s)
            self._ports.timers.at(now + what.after_s, lambda: self._tell(again))

    def restart(self, restart: Restart) -> None:
        restart.slot.waking = False
        self._note(restart.slot, events.ActorRestarted, after_s=restart.after_s)
        self.wake(restart.slot)

    def try_later(self, slot: Slot, reason: str, rest_s: float) -> None:
        rested = TryAgain(slot, reason)
        self._ports.timers.at(self._ports.clock.steady() + rest_s, lambda: self._tell(rested))

    def try_again(self, again: TryAgain) -> None:
        """Unless somebody has resumed or removed it meanwhile; then there is nothing to do."""
        slot = again.slot
        if slot.tenants:
            slot.tell(Lifecycle(ResumeBot(slot.bot_id, slot.tenants[0], BY, again.reason), LoopFuture()))
            if slot.actor is None:
                self.wake(slot)

    def still_alarmed(self, bot_id: int, slot: Slot | None) -> None:
        """An earlier process has alerted the operator of this bot. `slot` None: nobody has it any more."""
        if slot is None:
            self._alert(ClearAlert(GIVEN_UP, bot_id))
            return
        self._look_after(slot)
        if slot.sick is None:
            # Resumed already; only where it lives can it be seen to.
            self.wake(slot)

    def _look_after(self, slot: Slot) -> None:
        self._incidents.add(slot.bot_id)
        at = self._ports.clock.steady()
        self._ports.timers.at(at + restarts.WINDOW_S, lambda: self._tell(LookedAfter(slot, at)))

    def looked_after(self, message: LookedAfter) -> None:
        """The incident is over when the bot has lived through the time in which failures count, or was removed."""
        slot = message.slot
        state = self._restarts.get(slot.bot_id, Restarts())
        if slot.sick is not None or any(at >= message.since for at in state.failed_at):
            self._look_after(slot)
        else:
            self._incidents.discard(slot.bot_id)
            self._alert(ClearAlert(GIVEN_UP, slot.bot_id))

    async def _read(self, bot_id: int) -> Found:
        try:
            return await asyncio.to_thread(self._bots.read, bot_id)
        except StoreError as error:
            return error
        except Exception as error:  # noqa: BLE001  one bot that cannot be read is no reason to stop the fleet
            return StoreUnusable(type(error).__name__)

    def _woken(self, slot: Slot, found: Found) -> None:
        slot.waking = False
        if isinstance(found, StoreError):
            self._not_read(slot, found)
            return
        bot, token = found
        slot.tenants, slot.is_verified = bot.tenants, bot.is_verified
        # A bot that was given up is suspended before it looks at any command.
        parked, first = slot.unparked(), list[object]()
        if slot.sick and slot.tenants:
            first.append(Lifecycle(SuspendBot(slot.bot_id, slot.tenants[0], slot.sick, BY), LoopFuture()))
        if bot.owner is not None and token is None:
            suspend = SuspendBot(slot.bot_id, bot.owner.tenant_id, TOKEN_SHREDDED, BY)
            first.append(Lifecycle(suspend, LoopFuture()))
        slot.actor = BotActor.start(bot, token, slot, self._ports, self._permits, self._policy, self._tell, first)
        self._note(slot, events.ActorStarted)
        for message in parked:
            slot.actor.tell(message)

    def _not_read(self, slot: Slot, error: StoreError) -> None:
        log.error("bot_not_read", bot_id=slot.bot_id, reason=str(error))
        slot.refuse_waiting(NOT_READ, self._ports.journal.release)
        refuse_changes(slot, NOT_READ)
        if slot.open_commands:
            # Nothing else wakes it meanwhile: of one bot there must never be two.
            slot.waking = True
            again = Restart(slot, READ_AGAIN_S)
            self._ports.timers.at(self._ports.clock.steady() + READ_AGAIN_S, lambda: self._tell(again))

    def _note(self, slot: Slot, event: type[events.DayEvent], **fields: object) -> None:
        owner = slot.tenants[0] if slot.tenants else ""
        now = self._ports.clock.utc()
        self._ports.journal.note(event(occurred_at=now, bot_id=slot.bot_id, tenant_id=owner, **fields))
