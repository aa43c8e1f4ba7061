"""One bot's round: its updates go from the inbox to its callback URL.

Payloads stay in the inbox until their turn. A round begins when something waits, and is over when nothing does.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from actors.alarm import Alarm
from actors.callbacks import Callback
from actors.delivery.desk import Desk
from actors.delivery.endpoints import Endpoints
from actors.delivery.lanes import Lanes, Waiting
from actors.life import callback_purpose
from actors.outside import Posted
from actors.ports import Ports
from domain import events
from domain.callback import Address
from domain.errors import Shredded, StoreError
from domain.rules import delivering
from domain.rules.delivering import Verdict
from domain.signing import signed
from domain.store.inbox import InboxRow

PAGE = 500
KNOWN_MAX = 20_000
"""Updates of one bot that are kept in mind; what is behind them stays in the inbox."""
OVERLAP = 200
"""Telegram brings updates out of order, but not by more than so many ids, or else by very many."""
STORE_AGAIN_S = 1.0

Post = Callable[[str, bytes, dict[str, str]], Coroutine[Any, Any, Posted]]
"""Never raises."""
Beside = Callable[[Coroutine[Any, Any, Any], Callable[[Any], Any]], None]


@dataclass(frozen=True, slots=True)
class Tools:
    ports: Ports
    desk: Desk
    post: Post
    beside: Beside
    endpoints: Endpoints


class NotHere(NamedTuple):
    """It was settled by somebody else, or nobody can read it."""

    is_unreadable: bool


class Round:
    def __init__(self, bot_id: int, callback: Callback, tools: Tools, over: Callable[[], None]) -> None:
        """`over` is told when nothing waits any more."""
        self.bot_id = bot_id
        self.callback = callback
        self._tools = tools
        self._over = over
        self._lanes = Lanes()
        self._alarm = Alarm(tools.ports.timers, self._rested)
        self._out = 0
        self._high = -1
        self._is_looking = False
        self._look_from: int | None = None
        """Another look is wanted, from after this id on."""
        self._is_whole = True
        """All that waits is known."""
        self._is_over = False
        self._address: Address | None = None
        self._look(-1)

    def arrived(self) -> None:
        self._look(max(-1, self._high - OVERLAP))

    def failed(self) -> list[Waiting]:
        return self._lanes.failed()

    def replay(self, first: int, last: int) -> None:
        """What rests in this range goes at once."""
        self._lanes.wake(first, last)
        self._pump()

    def moved(self, callback: Callback) -> None:
        """To another callback URL, or with another secret: everything is tried there at once."""
        self.callback, self._address = callback, None
        self._lanes.wake()
        self._pump()

    def stop(self) -> None:
        self._is_over = True
        self._alarm.cancel()

    # Looking into the inbox

    def _look(self, after: int) -> None:
        if self._is_looking:
            self._look_from = after if self._look_from is None else min(self._look_from, after)
            return
        self._is_looking = True
        self._tools.beside(self._tools.desk.rows(self.bot_id, after, PAGE), self._found)

    def _found(self, rows: list[InboxRow] | StoreError) -> None:
        self._is_looking = False
        if self._is_over:
            return
        if isinstance(rows, StoreError):
            self._is_looking = True
            ports = self._tools.ports
            ports.timers.at(ports.clock.steady() + STORE_AGAIN_S, self._looks_again)
            return
        for row in rows:
            self._lanes.add(row)
            self._high = max(self._high, row.update_id)
        self._is_whole = len(rows) < PAGE
        again, self._look_from = self._look_from, None
        if not self._is_whole and len(self._lanes.known) < KNOWN_MAX:
            again = min(rows[-1].update_id if again is None else again, rows[-1].update_id)
        if again is not None:
            self._look(again)
        self._pump()

    def _looks_again(self) -> None:
        self._is_looking = False
        if not self._is_over:
            self._look(-1)

    # Posting

    def _pump(self) -> None:
        while not self._is_over and self._out < self._tools.endpoints.width(self.bot_id):
            found = self._lanes.next()
            if found is None:
                break
            self._out += 1
            back = partial(self._came_back, *found, self.callback)
            self._tools.beside(self._posted(found[1], self.callback), back)
        if self._is_looking or self._is_over:
            return
        known = len(self._lanes.known)
        if known == 0 and self._is_whole and self._high < 0:
            self._over()
        elif known == 0:
            # Once more from the beginning: an update with a far lower id may have come behind our back.
            self._high = -1
            self._look(-1)
        elif not self._is_whole and known < KNOWN_MAX // 2:
            self._look(self._high)

    async def _posted(self, waiting: Waiting, callback: Callback) -> Posted | NotHere | StoreError:
        found = await self._tools.desk.letters(callback.tenant_id, self.bot_id, waiting.update_id - 1, 1)
        if isinstance(found, StoreError):
            return found
        if not found or found[0].row.update_id != waiting.update_id:
            return NotHere(is_unreadable=False)
        body = found[0].body
        if body is None:
            return NotHere(is_unreadable=True)
        address = await self._address_of(callback)
        if isinstance(address, StoreError):
            return Posted(None, "its address cannot be read") if isinstance(address, Shredded) else address
        message_id = f"upd_{self.bot_id}_{waiting.update_id}"
        headers = signed(address.secret, message_id, self._tools.ports.clock.utc(), body)
        return await self._tools.post(address.url, body, headers)

    async def _address_of(self, callback: Callback) -> Address | StoreError:
        if self._address is not None and callback is self.callback:
            return self._address
        found = await self._tools.desk.address(callback.tenant_id, callback_purpose(self.bot_id), callback.sealed)
        if isinstance(found, Address) and callback is self.callback:
            self._address = found
        return found

    def _came_back(self, lane: str, waiting: Waiting, callback: Callback, how: Posted | NotHere | StoreError) -> None:
        self._out -= 1
        taken = isinstance(how, Posted) and delivering.verdict(how.status) is Verdict.TAKEN
        if self._is_over:
            if taken:
                self._taken(waiting)
            return
        match how:
            case StoreError():
                self._rests(lane, self._tools.ports.clock.steady() + STORE_AGAIN_S)
            case NotHere():
                self._lanes.left(lane, waiting)
                if how.is_unreadable:
                    self._settle(waiting)
                else:
                    self._lanes.known.discard(waiting.update_id)
            case Posted() if taken:
                self._tools.endpoints.took(self.bot_id, callback)
                self._lanes.left(lane, waiting)
                self._taken(waiting)
            case Posted():
                self._failed(lane, waiting, callback, how)
        self._pump()

    def _taken(self, waiting: Waiting) -> None:
        now = self._tools.ports.clock.utc()
        delivered = events.UpdateDelivered(
            occurred_at=now,
            bot_id=self.bot_id,
            tenant_id=self.callback.tenant_id,
            update_id=waiting.update_id,
            via="push",
            attempts=waiting.attempts + 1,
            after_ms=round(max(0.0, now.timestamp() - waiting.received_at) * 1000, 3),
        )
        self._tools.ports.journal.note(delivered)
        self._settle(waiting)

    def _settle(self, waiting: Waiting) -> None:
        def done() -> None:
            self._lanes.known.discard(waiting.update_id)
            self._pump()

        self._tools.desk.settle(self.bot_id, waiting.update_id, done)

    def _failed(self, lane: str, waiting: Waiting, callback: Callback, how: Posted) -> None:
        ports = self._tools.ports
        waiting.attempts += 1
        waiting.cause = how.cause
        waiting.again = ports.clock.steady() + delivering.pause_s(waiting.attempts, ports.jitter())
        failed = events.UpdateDeliveryFailed(
            occurred_at=ports.clock.utc(),
            bot_id=self.bot_id,
            tenant_id=callback.tenant_id,
            update_id=waiting.update_id,
            attempt=waiting.attempts,
            cause=how.cause,
            again_at=ports.utc_of(waiting.again),
        )
        ports.journal.note(failed)
        self._rests(lane, waiting.again)
        self._tools.endpoints.failed(self.bot_id, callback, how)

    def _rests(self, lane: str, until: float) -> None:
        self._lanes.rests(lane, until)
        self._alarm.set(until)

    def _rested(self) -> None:
        self._alarm.went_off()
        again = self._lanes.rested(self._tools.ports.clock.steady())
        if again is not None:
            self._alarm.set(again)
        self._pump()
