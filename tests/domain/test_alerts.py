"""What became of incidents, and what an operator has still to be told of them."""

from __future__ import annotations

from itertools import product

import pytest

from domain.alerts import Incident, newest
from domain.events import AlertCleared, AlertPosted, AlertRaised, Event
from tests.examples import BOT_ID, NOON, OTHER_BOT_ID, TENANT, after

KIND = "bot_given_up"
POSTED_RAISED, POSTED_CLEARED = (
    AlertPosted(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, kind=KIND, told=told)
    for told in ("alert-raised", "alert-cleared")
)


def raised(at: float = 0, bot_id: int = BOT_ID) -> AlertRaised:
    return AlertRaised(occurred_at=after(at), bot_id=bot_id, tenant_id=TENANT, kind=KIND, detail="it failed")


CLEARED = AlertCleared(occurred_at=after(9), bot_id=BOT_ID, tenant_id=TENANT, kind=KIND, detail="it failed")


@pytest.mark.parametrize(
    ("history", "is_open", "untold"),
    [
        ((raised(),), True, raised()),
        ((raised(), POSTED_RAISED), True, None),
        ((raised(), POSTED_RAISED, CLEARED), False, CLEARED),
        ((raised(), POSTED_RAISED, CLEARED, POSTED_CLEARED), False, None),
        ((raised(), CLEARED), False, None),
        ((raised(), POSTED_RAISED, CLEARED, POSTED_CLEARED, raised(20)), True, raised(20)),
        ((raised(), CLEARED, raised(20), POSTED_RAISED), True, None),
    ],
)
def test_an_incident_is_what_its_stream_says(history: tuple[Event, ...], is_open: bool, untold: Event | None) -> None:
    (incident,) = newest(history).values()

    assert is_open == incident.is_open
    assert untold == incident.untold


def test_each_bot_has_incidents_of_its_own() -> None:
    found = newest([raised(), raised(1, OTHER_BOT_ID), CLEARED])

    assert {(KIND, BOT_ID): False, (KIND, OTHER_BOT_ID): True} == {key: one.is_open for key, one in found.items()}


@pytest.mark.parametrize("history", [*product([CLEARED, POSTED_RAISED], repeat=2)])
def test_what_was_never_raised_is_no_incident(history: tuple[Event, ...]) -> None:
    nothing: dict[tuple[str, int], Incident] = {}

    assert nothing == newest(history)
