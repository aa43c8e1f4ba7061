"""Puts together who looks at tokens, and what the log knows of earlier looks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import pykka

from actors.inspector import Inspector, Reading
from actors.ports import Clock, Ports
from actors.runtime import telling
from actors.slot import Slot
from actors.standing import Standing
from domain import events
from domain.rules.validation import CONCLUSIVE
from domain.store.ledger import Ledger
from domain.store.mapper import from_bytes
from domain.store.selection import Selection
from domain.store.vault import Vault
from ops.parts import standing
from ops.sealed import bot_and_token

PAGE = 1000
LOOKS = (events.BotRegistered, events.TokenValidated, events.TokensInspected)


def inspecting(
    slots: Mapping[int, Slot],
    ledger: Ledger,
    vault: Vault,
    ports: Ports,
    fleet: pykka.ActorRef[Any],
    stack: AsyncExitStack,
    most_rps: float,
) -> Standing[Any]:
    reading = Reading(partial(bot_and_token, ledger, vault), partial(looked_at, ledger, ports.clock))
    return standing("the inspector", lambda: Inspector(slots, reading, ports, telling(fleet), most_rps), ports, stack)


def looked_at(ledger: Ledger, clock: Clock) -> dict[int, float]:
    """Whose token was looked at within the last day, and when: unix seconds. Blocks, and raises StoreError."""
    found: dict[int, float] = {}
    since = clock.utc() - timedelta(days=1)
    wanted = Selection(topics=frozenset(event.TOPIC for event in LOOKS), since=since)
    after, until = ledger.positions_between(since, None, ledger.head())
    while after < until:
        page = ledger.select(wanted, after, until, PAGE)
        for _, _, _, topic, state in page.rows:
            event = from_bytes(topic, state)
            for bot_id in _whose(event):
                found[bot_id] = event.occurred_at.timestamp()
        after = page.reached
    return found


def _whose(event: events.Event) -> tuple[int, ...]:
    match event:
        case events.TokensInspected():
            return (*event.valid, *event.revoked)
        case events.TokenValidated() if event.category not in CONCLUSIVE:
            return ()
        case events.TokenValidated() | events.BotRegistered():
            return (event.bot_id,)
        case _:
            return ()
