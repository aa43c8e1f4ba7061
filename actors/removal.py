"""What follows `TenantRemoved`: the tenant's bots go, then the key that its data is sealed under.

The fact comes first, so whatever a crash leaves undone the next process finishes. Each step can be done again, until
`TenantShredded` says that all are done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pykka
import structlog

from actors.messages import BotChanged, RemoveBotsOf
from actors.ports import Clock, Timers
from actors.runtime import InboxFull, LoopFuture
from actors.slot import Slot
from domain.errors import StoreError
from domain.refusal import Refused

AGAIN_S = 5.0
ANSWER_S = 30.0
NOT_ALL = Refused("store_unavailable", "Not every bot could be removed yet.")

log = structlog.get_logger()


class Removals:
    """Finishes removals, for as long as it takes."""

    def __init__(self, fleet: pykka.ActorRef[Any], shred: Callable[..., None], clock: Clock, timers: Timers) -> None:
        """`shred` blocks and raises StoreError."""
        self._fleet, self._shred, self._clock, self._timers = fleet, shred, clock, timers

    async def tried(self, removed: Mapping[str, str]) -> int | None:
        """Tenants, and why. The position of the last bot's removal, 0 where there was none; None: try again."""
        try:
            told = await self._fleet.ask(RemoveBotsOf(dict(removed)), block=False)
            if not isinstance(told, Refused):
                await asyncio.to_thread(self._shred, *removed)
                return int(told)
            reason = told.detail
        except (StoreError, InboxFull, pykka.ActorDeadError) as error:
            reason = str(error)
        log.warning("removal_waits", tenants=len(removed), reason=reason)
        return None

    def again(self, callback: Callable[[], None]) -> None:
        self._timers.at(self._clock.steady() + AGAIN_S, callback)


class Leaving:
    """The supervisor's: who was removed, and who may come to have a bot by what is under way."""

    __slots__ = ("_registering", "tenants")

    def __init__(self) -> None:
        self.tenants: set[str] = set()
        self._registering: list[tuple[LoopFuture, Slot, str]] = []

    def registers(self, tenant_id: str, slot: Slot, reply: LoopFuture) -> None:
        self._registering = [one for one in self._registering if not one[0].done()]
        self._registering.append((reply, slot, tenant_id))

    def bots_of(self, removed: Mapping[str, str], slots: Iterable[Slot]) -> list[tuple[Slot, str]]:
        """Theirs, claimed by them, or about to be. From now on none of them gets another."""
        self.tenants |= removed.keys()
        has = {(slot.bot_id, one): slot for slot in slots for one in slot.tenants if one in removed}
        will = {(slot.bot_id, one): slot for reply, slot, one in self._registering if one in removed}
        return [(slot, tenant_id) for (_, tenant_id), slot in {**has, **will}.items()]


async def all_told(replies: Sequence[LoopFuture]) -> int | Refused:
    """The newest position among them; a bot that was gone already is no trouble."""
    reached = 0
    try:
        async with asyncio.timeout(ANSWER_S):
            for reply in replies:
                told: BotChanged | Refused = await reply
                if isinstance(told, BotChanged):
                    reached = max(reached, told.position or 0)
                elif told.code != "not_found":
                    return told
    except TimeoutError:
        return NOT_ALL
    return reached
