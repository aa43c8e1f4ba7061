"""How the fleet stops: nothing new, what is in flight finishes within a bound, the rest is recorded for what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from actors.mail import STOP_WAITING
from actors.ports import Clock, Ports
from actors.runtime import stopped
from actors.slot import Slot
from domain.refusal import Refused

LOOK_EVERY_S = 0.02
LAST_WORDS_S = 2.0
SHUTTING_DOWN = Refused("shutting_down", "The gateway is stopping. Send it again in a few seconds.", 2.0)


async def drain(slots: Collection[Slot], ports: Ports, bound_s: float) -> None:
    for slot in slots:
        if slot.open_commands:
            slot.tell(STOP_WAITING)
            if slot.actor is None:
                slot.refuse_waiting(SHUTTING_DOWN, ports.journal.release)
    await _quiet(slots, ports.clock, bound_s)
    # What is still out comes back as lost and is recorded as that.
    await ports.telegram.close()
    await _quiet(slots, ports.clock, LAST_WORDS_S)
    for slot in slots:
        if slot.actor is not None:
            await stopped(slot.actor)
            slot.actor = None


async def _quiet(slots: Collection[Slot], clock: Clock, bound_s: float) -> None:
    until = clock.steady() + bound_s
    # Looked at and not told: on the way of a command nobody should pay for the one stop of a process.
    while clock.steady() < until and any(slot.open_commands for slot in slots):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
