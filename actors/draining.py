"""How the fleet stops: nothing new, what is in flight finishes within a bound, the rest is recorded for what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from actors.endings import unrecorded
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
        # A change that waits for Telegram's word keeps no stop waiting: nothing was done, it can be asked for again.
        refuse_changes(slot, SHUTTING_DOWN)
        if slot.is_awake:
            slot.tell(STOP_WAITING)
        else:
            slot.refuse_waiting(SHUTTING_DOWN, ports.journal.release)
    await _quiet(slots, ports.clock, bound_s)
    # What is still out comes back as lost and is recorded as that.
    await ports.telegram.close()
    await _quiet(slots, ports.clock, LAST_WORDS_S)
    for slot in slots:
        if slot.actor is not None:
            await stopped(slot.actor)
            slot.actor = None
        _answer_what_is_left(slot)


def _answer_what_is_left(slot: Slot) -> None:
    """No actor comes after this: what came in between is not done, and what is not recorded is told as it is."""
    refuse_changes(slot, SHUTTING_DOWN)
    for ticket in list((slot.tickets or {}).values()):
        if ticket.outcome is not None:
            ticket.answered(unrecorded(ticket))


async def _quiet(slots: Collection[Slot], clock: Clock, bound_s: float) -> None:
    until = clock.steady() + bound_s
    # Looked at and not told: on the way of a command nobody should pay for the one stop of a process.
    while clock.steady() < until and any(slot.open_commands or slot.accepting for slot in slots):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
