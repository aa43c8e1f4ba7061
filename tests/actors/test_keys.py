"""One idempotency key, one command: whatever the clock and the disk do meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from actors.messages import Durability, Replayed
from domain.refusal import Refused
from tests.actors.fleets import Fleet
from tests.examples import NOON

MIDNIGHT = NOON.replace(hour=0) + timedelta(days=1)
KEYED = Durability("hash of the body", key="order-1")


@pytest.mark.parametrize("later_s", [2, -2, 3600, -3600])
def test_a_key_is_remembered_on_the_other_side_of_midnight(later_s: float) -> None:
    async def told() -> tuple[object, object, list[str]]:
        fleet = Fleet()
        fleet.clock.is_set(MIDNIGHT - timedelta(seconds=later_s / 2))
        first = await fleet.told(fleet.say("once", durability=KEYED))
        fleet.clock.is_set(MIDNIGHT + timedelta(seconds=later_s / 2))
        again = await fleet.told(fleet.say("once", durability=KEYED))
        return first, again, fleet.telegram.texts

    first, again, texts = asyncio.run(told())

    assert isinstance(again, Replayed)
    assert first == again.outcome
    assert ["once"] == texts


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
