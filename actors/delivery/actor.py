"""Who brings updates to their tenants: rounds for bots with a callback URL, pulls for the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from pykka import ActorDeadError

from actors.delivery.desk import Desk
from actors.delivery.endpoints import Endpoints
from actors.delivery.lists import counted, listed
from actors.delivery.mail import Arrivals, Arrived, Begin, CallbackChanged, EndPulls
from actors.delivery.pulls import SHUTTING_DOWN, Pulls
from actors.delivery.round import Post, Round, Tools
from actors.life import callback_purpose
from actors.messages import (
    CallbackInfo,
    ConfigureBot,
    DeliveryInfo,
    DescribeCallback,
    ListDeliveries,
    Notify,
    PullUpdates,
    ReplayDeliveries,
    StopPulling,
)
from actors.messages.delivery import OfBot
from actors.ports import Ports
from actors.runtime import DEFERRED, InboxFull, LoopActor, telling
from domain.errors import StoreError
from domain.refusal import Refused
from domain.rules import delivering
from domain.rules.delivering import Failing

FIRST_DROP_S = 60.0
DROP_EVERY_S = 3600.0
BEGIN_AGAIN_S = 2.0
NOT_HERE = Refused("not_found", "There is no such bot. GET /api/bots lists yours.")
NOT_OWNED = Refused("bot_unverified", "Its updates are its owner's, until you have proven that the bot is yours.")
PUSHED = Refused(
    "updates_pushed",
    'They go to its callback URL: PATCH /api/bots/{bot_id} {"callback_url": null} before you fetch them.',
)
NOT_PUSHED = Refused("invalid_request", "The bot has no callback URL: its updates are fetched, not posted.")
NOT_READ = Refused("store_unavailable", "The inbox could not be read. Try again.", 1.0)

log = structlog.get_logger()


class DeliveryActor(LoopActor):
    def __init__(
        self,
        ports: Ports,
        desk: Desk,
        post: Post,
        tenants_of: Callable[[int], tuple[str, ...]],
        failing: dict[int, Failing],
        ask_fleet: Callable[[ConfigureBot], Any],
        arrivals: Arrivals,
    ) -> None:
        """`tenants_of` a bot: its owner first; none for a bot that nobody has."""
        super().__init__()
        self._ports = ports
        self._desk = desk
        self._tenants_of = tenants_of
        self._ask_fleet = ask_fleet
        endpoints = Endpoints(ports, failing, self._configure)
        self._tools = Tools(ports, desk, post, self.beside, endpoints)
        self._rounds: dict[int, Round] = {}
        self._pulls = Pulls(ports, desk, self.beside)
        self._arrivals = arrivals
        self._stops = False
        self._timer = ports.timers.at(ports.clock.steady() + FIRST_DROP_S, self._drop)

    def on_start(self) -> None:
        tell = telling(self.actor_ref)
        self._arrivals.are_told_to(tell)
        self._ports.callbacks.changed = lambda bot_id, has_left: tell(
            CallbackChanged(bot_id, has_left, self._ports.clock.utc())
        )
        self.actor_ref.tell(Begin())

    def on_stop(self) -> None:
        self._timer.cancel()
        self._pulls.end()
        for one in self._rounds.values():
            one.stop()

    def on_receive(self, message: object) -> Any:
        match message:
            case Arrived():
                self._arrivals.heard(message.bot_id)
                self._comes(message.bot_id)
            case PullUpdates():
                return self._pull(message)
            case StopPulling():
                self._pulls.stop(message)
            case ListDeliveries():
                return self._refusal(message) or self.spawn(self._listed(message))
            case DescribeCallback():
                return self._refusal(message) or self.spawn(self._described(message.bot_id))
            case ReplayDeliveries():
                return self._refusal(message) or self.spawn(self._replayed(message))
            case CallbackChanged():
                self._changed(message)
            case EndPulls():
                self._stops = True
                self._pulls.end()
            case Begin():
                self.beside(self._desk.bots(), self._begin)
            case _:
                raise TypeError(f"DeliveryActor has no case for {type(message).__name__}")
        return None

    def _begin(self, bots: list[int] | StoreError) -> None:
        if isinstance(bots, StoreError):
            again = self._ports.clock.steady() + BEGIN_AGAIN_S
            self._ports.timers.at(again, lambda: self.actor_ref.tell(Begin()))
            return
        for bot_id in bots:
            if self._tenants_of(bot_id):
                self._comes(bot_id)
            else:
                self.beside(self._desk.forget(bot_id, self._ports.clock.utc()), lambda _: None)

    def _comes(self, bot_id: int) -> None:
        self._pulls.arrived(bot_id)
        callback = self._ports.callbacks.of(bot_id)
        if callback is None:
            return
        if bot_id in self._rounds:
            self._rounds[bot_id].arrived()
        else:
            self._rounds[bot_id] = Round(bot_id, callback, self._tools, lambda: self._is_over(bot_id))

    def _is_over(self, bot_id: int) -> None:
        self._rounds.pop(bot_id).stop()

    def _changed(self, message: CallbackChanged) -> None:
        bot_id = message.bot_id
        callback, one = self._ports.callbacks.of(bot_id), self._rounds.get(bot_id)
        owner = next(iter(self._tenants_of(bot_id)), "")
        self._tools.endpoints.changed(bot_id, callback.tenant_id if callback else owner)
        if message.has_left:
            self._pulls.end_of(bot_id, NOT_HERE)
            self.beside(self._desk.forget(bot_id, message.at), lambda _: None)
        if one is not None and (callback is None or message.has_left):
            self._rounds.pop(bot_id).stop()
        elif one is not None and callback is not None:
            one.moved(callback)
        if callback is not None:
            self._pulls.end_of(bot_id, PUSHED)
            self._comes(bot_id)

    def _configure(self, message: ConfigureBot, then: Callable[[bool], None]) -> None:
        async def asked() -> bool:
            try:
                return not isinstance(await self._ask_fleet(message), Refused)
            except (InboxFull, ActorDeadError):
                return False

        self.beside(asked(), then)

    # Pulling

    def _refusal(self, message: OfBot) -> Refused | None:
        tenants = self._tenants_of(message.bot_id)
        if message.tenant_id not in tenants:
            return NOT_HERE
        return None if message.tenant_id == tenants[0] else NOT_OWNED

    def _pull(self, message: PullUpdates) -> Any:
        refused = self._refusal(message)
        if refused is not None:
            return refused
        if self._stops:
            return SHUTTING_DOWN
        if self._ports.callbacks.of(message.bot_id) is not None:
            return PUSHED
        self._pulls.begin(message, self.reply_later().set)
        return DEFERRED

    # What waits and what has failed

    async def _listed(self, message: ListDeliveries) -> list[DeliveryInfo] | Refused:
        one = self._rounds.get(message.bot_id)
        tried = {waiting.update_id: waiting for waiting in one.failed()} if one is not None else {}
        found = await listed(message, tried, self._desk, self._ports)
        return NOT_READ if isinstance(found, StoreError) else found

    async def _replayed(self, message: ReplayDeliveries) -> int | Refused:
        if self._ports.callbacks.of(message.bot_id) is None:
            return NOT_PUSHED
        found = await counted(message, self._desk)
        if isinstance(found, StoreError):
            return NOT_READ
        if message.bot_id in self._rounds:
            self._rounds[message.bot_id].replay(message.from_update_id, message.to_update_id)
        return found

    async def _described(self, bot_id: int) -> CallbackInfo | Refused:
        callback, address = self._ports.callbacks.of(bot_id), None
        if callback is not None:
            address = await self._desk.address(callback.tenant_id, callback_purpose(bot_id), callback.sealed)
        if isinstance(address, StoreError):
            return NOT_READ
        return self._tools.endpoints.described(bot_id, address.url if address is not None else None)

    # What nobody fetched

    def _drop(self) -> None:
        now = self._ports.clock.utc()
        kept, known = now - delivering.KEPT, now - delivering.REMEMBERED
        self.beside(self._desk.drop(kept.timestamp(), known.timestamp()), self._were_dropped)
        self._timer = self._ports.timers.at(self._ports.clock.steady() + DROP_EVERY_S, self._drop)

    def _were_dropped(self, dropped: dict[int, int] | StoreError) -> None:
        if isinstance(dropped, StoreError):
            log.warning("updates_not_dropped", reason=str(dropped))
            return
        for bot_id, count in dropped.items():
            log.warning("updates_dropped", bot_id=bot_id, count=count)
            for tenant_id in self._tenants_of(bot_id)[:1]:
                hours = delivering.KEPT.total_seconds() / 3600
                detail = f"{count} updates of bot {bot_id} were dropped: they had waited for more than {hours:g} hours."
                self._ports.notify(Notify(tenant_id, "updates_dropped", detail, bot_id))
