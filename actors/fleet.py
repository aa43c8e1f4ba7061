"""What the supervisor knows of the fleet when it starts: every bot's place, and what the last process left open."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actors import endings
from actors.ports import Ports
from actors.slot import Memory, Slot, Stage, Ticket
from domain import bot as lives
from domain import events
from domain.bot import Bot
from domain.command import Command
from domain.events import CommandStarted, HoldPlaced
from domain.failure import Final, code_of, lost_answer
from domain.methods import Method, method_named
from domain.rules import breaker, holds, pacing
from domain.rules.breaker import Breaker, Phase
from domain.store.ledger import Ledger
from domain.store.mapper import Recorded

_UNKNOWN = Method("unknown", repeatable=False)


def slots_of(history: Iterable[Recorded]) -> dict[int, Slot]:
    """From the events of all bots' streams, in the order of the log: a slot for every bot that somebody has."""
    bots: dict[int, Bot] = {}
    for recorded in history:
        bot_id = int(recorded.stream.removeprefix(events.BOTS))
        bots[bot_id] = lives.evolve(bots.get(bot_id, Bot(bot_id)), recorded.event)
    return {bot_id: Slot(bot_id, bot.tenants) for bot_id, bot in bots.items() if bot.tenants}


def read_bot(ledger: Ledger, bot_id: int) -> Bot:
    """A bot from its lifecycle stream: the newest snapshot and what came after it."""
    stream = events.bot_stream(bot_id)
    snapshot = ledger.snapshot(stream)
    bot = msgspec.json.decode(snapshot.state, type=Bot) if snapshot else Bot(bot_id)
    for recorded in ledger.stream(stream, after_version=bot.version):
        bot = lives.evolve(bot, recorded.event)
    return bot


def remembers_breaker(slot: Slot, bot: Bot, ports: Ports) -> None:
    """A breaker that was open when the process ended is still open, for the rest of its time."""
    if bot.breaker_open_until is not None and slot.memory.breaker is breaker.CLOSED:
        still_open = Breaker(phase=Phase.OPEN, epoch=1, open_until=ports.steady_of(bot.breaker_open_until))
        slot.memory = Memory(still_open, slot.memory.holds, slot.memory.slow, slot.memory.budget)


def remembers_hold(slot: Slot, hold: HoldPlaced, pace: pacing.PacePolicy, ports: Ports) -> None:
    held = holds.restored(slot.memory.holds, hold.scope, ports.steady_of(hold.until))
    slow = pacing.slowed(pace, slot.memory.slow, ports.clock.steady())
    slot.memory = Memory(slot.memory.breaker, held, slow, slot.memory.budget)


def end_interrupted(slot: Slot, started: CommandStarted, ports: Ports) -> None:
    """Started and without an outcome when the last process ended: nobody can know, and nobody sends it again."""
    command = Command(
        command_id=started.command_id,
        bot_id=started.bot_id,
        tenant_id=started.tenant_id,
        method=started.method,
        parameters={},
        chat=started.chat,
        received_at=started.received_at,
        deadline_s=0.0,
    )
    now = ports.clock.steady()
    ticket = Ticket(
        command=command,
        method=method_named(started.method) or _UNKNOWN,
        chat=started.chat,
        arrived=now,
        deadline=now,
        reply=lambda _: None,
        stage=Stage.RECORDING,
        is_open=True,
        maybe_executed=True,
        failure=lost_answer("the gateway was stopped before the answer could be recorded"),
    )
    slot.opened(ticket)
    endings.end(slot, ports, ticket, Final.UNCERTAIN, code_of(Final.UNCERTAIN, None))
