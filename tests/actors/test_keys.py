"""One idempotency key, one command: whatever the clock and the disk do meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from actors.messages import Durability
from domain.refusal import Refused
from tests.actors.fleets import Fleet
from tests.examples import NOON

MIDNIGHT = NOON.replace(hour=0) + timedelta(days=1)
KEYED = Durability("hash of the body", key="order-1")


def test_a_key_whose_acceptance_waits_for_the_disk_over_midnight_is_still_in_hand() -> None:
    async def told() -> tuple[object, object, list[str]]:
        fleet = Fleet()
        fleet.clock.is_set(MIDNIGHT - timedelta(milliseconds=500))
        fleet.journal.is_away = True
        first = fleet.say("once", durability=KEYED)
        await fleet.rest()
        fleet.clock.is_set(MIDNIGHT + timedelta(milliseconds=500))
        second = fleet.say("once", durability=KEYED)
        await fleet.until(second.done)
        fleet.journal.is_away = False
        outcome = await fleet.told(first)
        return outcome.final, second.result(), fleet.telegram.texts

    final, second, texts = asyncio.run(told())

    assert "delivered" == final
    assert isinstance(second, Refused)
    assert "idempotency_in_flight" == second.code
    assert ["once"] == texts
