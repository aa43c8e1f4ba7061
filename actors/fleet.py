"""What the supervisor knows of the fleet when it starts: every bot's place, and what the last process left open."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import msgspec

from actors.acceptance import Archive, recovered
from actors.endings import Ending
from actors.messages import BreakerState, FleetState, ResetRetryStatistics
from actors.ports import Ports, Recording
from actors.slot import Memory, Slot, Stage
from domain import bot as lives
from domain import streams
from domain.bot import Bot
from domain.events import HoldPlaced, RetryStatisticsReset
from domain.failure import Final, lost_answer
from domain.ownership import UNPROVEN
from domain.recovery import OpenCommand
from domain.refusal import Refused
from domain.rules import breaker, holds, pacing
from domain.rules.breaker import Breaker, Phase
from domain.store.ledger import Ledger
from domain.store.mapper import Recorded
from domain.tenant import OPERATOR

BY = "botloft"
"""Who suspends and resumes where nobody was asked."""
GIVEN_UP_SINCE = "its actor failed"


def bots_of(history: Iterable[Recorded]) -> dict[int, Bot]:
    """From the events of all bots' streams, in the order of the log."""
    bots: dict[int, Bot] = {}
    for recorded in history:
        bot_id = int(recorded.stream.removeprefix(streams.BOTS))
        bots[bot_id] = lives.evolve(bots.get(bot_id, Bot(bot_id)), recorded.event)
    return bots


def slots_of(bots: Mapping[int, Bot], ports: Ports) -> dict[int, Slot]:
    """A slot for every bot that somebody has."""
    slots = {bot_id: Slot(bot_id, bot.tenants) for bot_id, bot in bots.items() if bot.tenants}
    for bot_id, slot in slots.items():
        slot.is_verified = bots[bot_id].is_verified
        remembers_breaker(slot, bots[bot_id], ports)
        ports.callbacks.is_as(bots[bot_id])
        if was_given_up(bots[bot_id]):
            slot.sick = bots[bot_id].suspended
    return slots


def was_given_up(bot: Bot) -> bool:
    """By us, since its actor failed: then it is for us to try it again."""
    return bot.suspended is not None and bot.suspended_by == BY and bot.suspended.startswith(GIVEN_UP_SINCE)


def read_bot(ledger: Ledger, bot_id: int) -> Bot:
    """A bot from its lifecycle stream: the newest snapshot and what came after it."""
    stream = streams.bot_stream(bot_id)
    snapshot = ledger.snapshot(stream)
    bot = msgspec.json.decode(snapshot.state, type=Bot) if snapshot else Bot(bot_id)
    for recorded in ledger.stream(stream, after_version=bot.version):
        bot = lives.evolve(bot, recorded.event)
    return bot


def remembers_breaker(slot: Slot, bot: Bot, ports: Ports) -> None:
    """A breaker that was open when the process ended is still open, for the rest of its time.

    Never for longer than it was opened: somebody may have set the clock back.
    """
    if bot.breaker_forced and slot.memory.breaker is breaker.CLOSED:
        slot.memory = Memory(breaker.forced(breaker.CLOSED), slot.memory.holds, slot.memory.slow, slot.memory.budget)
    if bot.breaker_open_until is not None and slot.memory.breaker is breaker.CLOSED:
        open_until = min(ports.steady_of(bot.breaker_open_until), ports.clock.steady() + bot.breaker_cooldown_s)
        still_open = Breaker(phase=Phase.OPEN, epoch=1, open_until=open_until)
        slot.memory = Memory(still_open, slot.memory.holds, slot.memory.slow, slot.memory.budget)


def breaker_of(slot: Slot, ports: Ports) -> BreakerState:
    state = slot.memory.breaker
    until = ports.utc_of(state.open_until) if state.phase is Phase.OPEN else None
    return BreakerState(slot.bot_id, state.phase.value, state.failures, state.successes, until)


def unproven(slot: Slot, tenant_id: str, *, must_prove: bool) -> Refused | None:
    """Why this tenant may not use the bot yet; `must_prove`: its owner needs a proof too."""
    if tenant_id != slot.tenants[0]:
        return Refused(
            "bot_unverified",
            "This bot takes no commands until you prove that it is yours: "
            "POST /api/bots/{bot_id}/verify-ownership says how.",
        )
    return UNPROVEN if must_prove and not slot.is_verified else None


def described(slots: Collection[Slot], journal: Recording, *, draining: bool) -> FleetState:
    return FleetState(
        bots=len(slots),
        awake=sum(slot.actor is not None for slot in slots),
        open_commands=sum(slot.open_commands for slot in slots),
        draining=draining,
        unrecorded_s=round(journal.waits_s(), 3),
        refusals_left_out=journal.refusals_left_out(),
    )


def retries_reset(message: ResetRetryStatistics, slot: Slot | None, now: datetime) -> RetryStatisticsReset:
    """`slot` None: of the whole fleet."""
    tenant_id = slot.tenants[0] if slot is not None and slot.tenants else OPERATOR
    return RetryStatisticsReset(
        occurred_at=now, tenant_id=tenant_id, bot_id=message.bot_id, reason=message.reason, by=message.by
    )


def remembers_hold(slot: Slot, hold: HoldPlaced, pace: pacing.PacePolicy, ports: Ports) -> None:
    until = min(ports.steady_of(hold.until), ports.clock.steady() + hold.retry_after_s)
    held = holds.restored(slot.memory.holds, hold.scope, until)
    slow = pacing.slowed(pace, slot.memory.slow, ports.clock.steady())
    slot.memory = Memory(slot.memory.breaker, held, slow, slot.memory.budget)


def take_up(slot: Slot | None, opened: OpenCommand, ports: Ports, archive: Archive) -> None:
    """Puts a command that the last process left open back into its slot, or ends it where nobody can know.

    `slot` None: its bot was removed meanwhile.
    """
    ticket = recovered(opened, ports, archive)
    home = slot or Slot(opened.first.bot_id, ())
    home.opened(ticket)
    if slot is not None and ticket.stage is Stage.WAITING:
        return
    if opened.is_started:
        ticket.failure = lost_answer("the gateway was stopped before the answer could be recorded")
    Ending(home, ports)(ticket, Final.NOT_SENT, "not_found" if slot is None else "internal")
