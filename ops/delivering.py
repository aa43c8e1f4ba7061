"""Those who bring updates and notices to tenants, put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pykka

from actors.delivery.actor import DeliveryActor
from actors.delivery.desk import Desk, update_purpose
from actors.delivery.endpoints import failing_of
from actors.delivery.mail import Arrivals
from actors.messages import ConfigureBot
from actors.notices import NoticesActor, Store
from actors.outside import Outside
from actors.ports import Ports
from actors.runtime import telling
from actors.slot import Slot
from actors.standing import Standing
from actors.takeover import noting, untold
from domain import streams
from domain.bot import Bot
from domain.errors import Shredded
from domain.events import BotRemoved
from domain.store.inbox import InboxRow
from domain.store.ledger import Ledger
from domain.store.mapper import Recorded
from domain.store.vault import Vault


class Delivering:
    """The notices first: whoever has these ports can tell a tenant something."""

    def __init__(
        self, ports: Ports, ledger: Ledger, vault: Vault, stack: AsyncExitStack, *, allow_private: bool
    ) -> None:
        self._ledger, self._vault, self._stack = ledger, vault, stack
        self._takeovers: list[BotRemoved] = []
        self.arrived = Arrivals()
        """To be called after each commit of updates of a bot."""
        self._outside = Outside(allow_private=allow_private)
        stack.push_async_callback(self._outside.close)
        self._desk = Desk(ledger.inbox, vault.open)
        stack.push_async_callback(self._desk.close)
        store = Store(ledger.stream, vault.open)
        self.notices = Standing(
            "the notices",
            lambda: list(ledger.streams_under(streams.NOTICES)),
            lambda history: NoticesActor(ports, self._outside, store, history),
            ports,
        )
        stack.push_async_callback(self.notices.stop)
        self.ports = replace(ports, notify=telling(self.notices))

    def noting_takeovers(self, history: Iterable[Recorded]) -> Iterator[Recorded]:
        """The same history, of all bots."""
        return noting(history, self._takeovers)

    def started(self, bots: Mapping[int, Bot], slots: Mapping[int, Slot], fleet: pykka.ActorRef[Any]) -> Standing[Any]:
        self._finishes_takeovers(bots)

        def tenants_of(bot_id: int) -> tuple[str, ...]:
            slot = slots.get(bot_id)
            return slot.tenants if slot is not None else ()

        async def ask_fleet(message: ConfigureBot) -> Any:
            return await fleet.ask(message, block=False)

        delivery = Standing(
            "the delivery of updates",
            lambda: failing_of(recorded.event for recorded in self._ledger.streams_under(streams.ENDPOINTS)),
            lambda failing: DeliveryActor(
                self.ports, self._desk, self._outside, tenants_of, failing, ask_fleet, self.arrived
            ),
            self.ports,
        )
        self._stack.push_async_callback(delivery.stop)
        return delivery

    def _finishes_takeovers(self, bots: Mapping[int, Bot]) -> None:
        """What the last process has recorded and may not have come to do."""
        for owed in untold(self._takeovers, lambda tenant_id: self._ledger.stream(streams.notice_stream(tenant_id))):
            self.ports.notify(owed)
        for bot_id in {event.bot_id for event in self._takeovers}:
            owner, after, inbox = bots[bot_id].owner, -1, self._ledger.inbox
            while owner is not None and (page := inbox.waiting(bot_id, after)):
                after = page[-1].update_id
                inbox.settle(bot_id, [row.update_id for row in page if not self._opens(owner.tenant_id, row)])

    def _opens(self, tenant_id: str, row: InboxRow) -> bool:
        """What came for a former tenant does not open for another."""
        try:
            self._vault.open(tenant_id, update_purpose(row.bot_id), row.sealed)
        except Shredded:
            return False
        return True
