"""How the fleet stops: nothing new, what is in flight finishes within a bound, the rest is recorded for what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from actors.endings import left_open
from actors.mail import STOP_WAITING, refuse_changes
from actors.ports import Clock, Ports
from actors.runtime import stopped
from actors.slot import Slot
from domain.refusal import Refused

LOOK_EVERY_S = 0.02
LAST_WORDS_S = 2.0
SHUTTING_DOWN = Refused("shutting_down", "The gateway is stopping. Send it again in a few seconds.", 2.0)


async def drain(slots: Collection[Slot], ports: Ports, bound_s: float) -> None:
    for slot in slots:
        slot.is_stopping = True
        if slot.is_awake:
            # Whoever waits for Telegram's word on a token keeps no stop waiting: they can ask again.
            refuse_changes(slot, SHUTTING_DOWN)
            slot.tell(STOP_WAITING)
        else:
            _refuse(slot, ports)
    await _quiet(slots, ports.clock, bound_s)
    # What is still out comes back as lost and is recorded as that.
    await ports.telegram.close()
    await _quiet(slots, ports.clock, LAST_WORDS_S)
    for slot in slots:
        if slot.actor is not None:
            await stopped(slot.actor)
            slot.actor = None
        _refuse(slot, ports)
        for ticket in list((slot.tickets or {}).values()):
            slot.closed(ticket)
            ticket.answered(left_open(ticket, ports.clock.steady()))


def _refuse(slot: Slot, ports: Ports) -> None:
    """What an actor would have to do, and none will."""
    slot.refuse_waiting(SHUTTING_DOWN, ports.journal.release)
    refuse_changes(slot, SHUTTING_DOWN)


async def _quiet(slots: Collection[Slot], clock: Clock, bound_s: float) -> None:
    until = clock.steady() + bound_s
    # Looked at and not told: on the way of a command nobody should pay for the one stop of a process.
    while clock.steady() < until and any(slot.open_commands or slot.accepting for slot in slots):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
