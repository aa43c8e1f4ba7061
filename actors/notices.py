"""What tenants are told: recorded first, then posted to the tenant's notice endpoint, if it has one.

What could not be posted is posted by the next process, under the same id. After three days it is only listed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import structlog

from actors.messages import ListNotices, NoticeEndpoint, NoticeInfo, Notify, SetNoticeEndpoint
from actors.outside import Posted
from actors.ports import Ports, Timer
from actors.runtime import DEFERRED, LoopActor
from domain import callback, events, streams
from domain.errors import StoreError
from domain.refusal import Refused
from domain.rules import delivering
from domain.rules.delivering import Verdict
from domain.signing import SECRET_BYTES, signed
from domain.store.mapper import Recorded

PURPOSE = "notices"
NOT_MADE = Refused("store_unavailable", "The change could not be recorded and was not made. Try again.", 1.0)
NOT_READ = Refused("store_unavailable", "The notices could not be read. Try again.", 1.0)

log = structlog.get_logger()

Post = Callable[[str, bytes, dict[str, str]], Coroutine[Any, Any, Posted]]
"""Never raises."""


class Notice(msgspec.Struct, frozen=True):
    """As it is posted."""

    type: str
    timestamp: datetime
    kind: str
    detail: str
    bot_id: int | None


@dataclass(slots=True)
class Line:
    """To one tenant."""

    version: int = 0
    endpoint_sealed: bytes | None = None
    unposted: deque[tuple[int, events.NoticeGiven]] = field(default_factory=deque)
    """With their versions. Of what was given while there was no endpoint, nothing."""
    is_posting: bool = False
    attempts: int = 0
    rest: Timer | None = None
    """Until the next attempt."""


class Store:
    """What the actor needs of it. All of it may block and raise StoreError."""

    def __init__(self, stream: Callable[[str], list[Recorded]], opened: Callable[[str, str, bytes], bytes]) -> None:
        self.stream, self.opened = stream, opened


class NoticesActor(LoopActor):
    def __init__(self, ports: Ports, post: Post, store: Store, history: Iterable[Recorded]) -> None:
        """`history`: the events of all notice streams, in the order of the log."""
        super().__init__()
        self._ports = ports
        self._post = post
        self._store = store
        self._lines: dict[str, Line] = {}
        for recorded in history:
            if isinstance(recorded.event, events.NoticeEvent):
                self._becomes(recorded.event, recorded.version)

    def on_start(self) -> None:
        self.actor_ref.tell(Begin())

    def on_stop(self) -> None:
        for line in self._lines.values():
            if line.rest is not None:
                line.rest.cancel()

    def on_receive(self, message: object) -> Any:
        match message:
            case Notify():
                self._give(message)
            case ListNotices():
                return self.spawn(self._listed(message))
            case SetNoticeEndpoint():
                return self._set(message)
            case Begin():
                for tenant_id in list(self._lines):
                    self._pump(tenant_id)
            case _:
                raise TypeError(f"NoticesActor has no case for {type(message).__name__}")
        return None

    def _give(self, message: Notify) -> None:
        given = events.NoticeGiven(
            occurred_at=self._ports.clock.utc(),
            tenant_id=message.tenant_id,
            kind=message.kind,
            detail=message.detail,
            bot_id=message.bot_id,
        )
        self._record(given, lambda _: self._pump(message.tenant_id))

    def _set(self, message: SetNoticeEndpoint) -> Any:
        address, sealed = None, None
        if message.url is not None:
            address = callback.an_address(message.url, secrets.token_bytes(SECRET_BYTES))
            try:
                sealed = self._ports.seal(message.tenant_id, PURPOSE, callback.written(address))
            except StoreError:
                return NOT_MADE
        now, reply = self._ports.clock.utc(), self.reply_later()
        changed = events.NoticeEndpointSet(occurred_at=now, tenant_id=message.tenant_id, endpoint_sealed=sealed)
        secret = address.secret if address is not None else None

        def recorded(result: int | StoreError) -> None:
            reply.set(NoticeEndpoint(message.url, secret, result) if isinstance(result, int) else NOT_MADE)
            self._goes_on(message.tenant_id)

        self._record(changed, recorded)
        return DEFERRED

    def _record(self, event: events.NoticeEvent, then: Callable[[int | StoreError], None]) -> None:
        line = self._lines.setdefault(event.tenant_id, Line())
        # State runs ahead of the disk; the journal writes in order, and nothing is posted before it is told.
        self._becomes(event, line.version + 1)
        self._ports.journal.write(streams.notice_stream(event.tenant_id), None, (event,), then)

    def _becomes(self, event: events.NoticeEvent, version: int) -> None:
        line = self._lines.setdefault(event.tenant_id, Line())
        line.version = version
        match event:
            case events.NoticeGiven() if line.endpoint_sealed is not None:
                line.unposted.append((version, event))
            case events.NoticePosted():
                line.unposted = deque(one for one in line.unposted if one[0] != event.number)
            case events.NoticeEndpointSet():
                line.endpoint_sealed, line.attempts = event.endpoint_sealed, 0
                if event.endpoint_sealed is None:
                    line.unposted.clear()
            case _:
                pass

    def _pump(self, tenant_id: str) -> None:
        line = self._lines[tenant_id]
        now = self._ports.clock.utc()
        while line.unposted and now - line.unposted[0][1].occurred_at > delivering.DISABLED_AFTER:
            log.warning("notice_not_posted", tenant_id=tenant_id, kind=line.unposted.popleft()[1].kind)
        if line.is_posting or line.rest is not None or not line.unposted or line.endpoint_sealed is None:
            return
        line.is_posting = True
        number, notice = line.unposted[0]
        posted = self._posted(tenant_id, line.endpoint_sealed, number, notice)
        self.beside(posted, lambda how: self._was_posted(tenant_id, number, how))

    async def _posted(
        self, tenant_id: str, sealed: bytes, number: int, notice: events.NoticeGiven
    ) -> Posted | StoreError:
        try:
            to = callback.read(await asyncio.to_thread(self._store.opened, tenant_id, PURPOSE, sealed))
        except StoreError as error:
            return error
        told = Notice("notice.given", notice.occurred_at, notice.kind, notice.detail, notice.bot_id)
        body = msgspec.json.encode(told)
        return await self._post(
            to.url, body, signed(to.secret, f"ntc_{tenant_id}_{number}", self._ports.clock.utc(), body)
        )

    def _was_posted(self, tenant_id: str, number: int, how: Posted | StoreError) -> None:
        line = self._lines[tenant_id]
        line.is_posting = False
        if isinstance(how, Posted) and delivering.verdict(how.status) is Verdict.TAKEN:
            line.attempts = 0
            now = self._ports.clock.utc()
            posted = events.NoticePosted(occurred_at=now, tenant_id=tenant_id, number=number)
            self._record(posted, lambda _: None)
            self._pump(tenant_id)
            return
        line.attempts += 1
        at = self._ports.clock.steady() + delivering.pause_s(line.attempts, self._ports.jitter())
        line.rest = self._ports.timers.at(at, lambda: self._goes_on(tenant_id))

    def _goes_on(self, tenant_id: str) -> None:
        line = self._lines[tenant_id]
        if line.rest is not None:
            line.rest.cancel()
            line.rest = None
        self._pump(tenant_id)

    async def _listed(self, message: ListNotices) -> list[NoticeInfo] | Refused:
        try:
            recorded = await asyncio.to_thread(self._store.stream, streams.notice_stream(message.tenant_id))
        except StoreError:
            return NOT_READ
        given = [_info(one.position, one.event) for one in recorded if isinstance(one.event, events.NoticeGiven)]
        if message.after is None:
            return given[-message.limit :]
        return [notice for notice in given if notice.position > message.after][: message.limit]


class Begin:
    """The first message: what earlier processes could not post is posted now."""


def _info(position: int, given: events.NoticeGiven) -> NoticeInfo:
    return NoticeInfo(position, given.occurred_at, given.kind, given.detail, given.bot_id)
