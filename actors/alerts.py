"""What an operator must be told: one alert an incident, and one when it is over, over the lives of processes.

Alerts are posted on a connection of their own, so that what they tell of cannot keep them from being told. What is told
of one bot is told in its order. What was taken is recorded; the next process posts the rest, under the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog

from actors.messages import ClearAlert, DescribeAlerts, RaiseAlert
from actors.ports import Ports
from actors.runtime import LoopActor
from domain import events, streams
from domain.alerts import Incident, Key, key_of
from domain.signing import signed

PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0)

log = structlog.get_logger()

Post = Callable[[bytes, dict[str, str]], Awaitable[bool]]
"""Posts a body with these headers; whether it was taken. Never raises."""
Told = events.AlertRaised | events.AlertCleared


class Alert(msgspec.Struct, frozen=True):
    """As it is posted."""

    type: str
    """`alert.raised` or `alert.cleared`."""
    timestamp: Any
    kind: str
    bot_id: int
    tenant_id: str
    detail: str


class AlertsActor(LoopActor):
    def __init__(self, ports: Ports, post: Post | None, secret: str, incidents: Mapping[Key, Incident]) -> None:
        """`post` None: alerts are recorded and logged, and posted nowhere. `incidents`: those of earlier processes."""
        super().__init__()
        self._ports = ports
        self._post = post
        self._secret = secret
        self._open = {key: incident.raised for key, incident in incidents.items() if incident.is_open}
        self._left = [incident.untold for incident in incidents.values() if incident.untold is not None]
        self._telling: dict[Key, list[Told]] = {}
        """The first is being posted, the second comes after it; more there are not."""

    def on_start(self) -> None:
        self.actor_ref.tell(BEGIN)

    def on_receive(self, message: object) -> Any:
        match message:
            case RaiseAlert():
                return self._raise(message)
            case ClearAlert():
                return self._clear(message)
            case DescribeAlerts():
                return list(self._open.values())
            case Begin():
                return self._begin()
            case _:
                raise TypeError(f"AlertsActor has no case for {type(message).__name__}")

    def _begin(self) -> None:
        for told in self._left:
            self._tell(told)

    def _raise(self, message: RaiseAlert) -> None:
        if (message.kind, message.bot_id) in self._open:
            return
        log.error("alert_raised", kind=message.kind, bot_id=message.bot_id, detail=message.detail)
        raised = events.AlertRaised(
            occurred_at=self._ports.clock.utc(),
            bot_id=message.bot_id,
            tenant_id=message.tenant_id,
            kind=message.kind,
            detail=message.detail,
        )
        self._open[key_of(raised)] = raised
        self._record(raised)
        self._tell(raised)

    def _clear(self, message: ClearAlert) -> None:
        raised = self._open.pop((message.kind, message.bot_id), None)
        if raised is None:
            return
        log.warning("alert_cleared", kind=raised.kind, bot_id=raised.bot_id)
        cleared = events.AlertCleared(
            occurred_at=self._ports.clock.utc(),
            bot_id=raised.bot_id,
            tenant_id=raised.tenant_id,
            kind=raised.kind,
            detail=raised.detail,
        )
        self._record(cleared)
        self._tell(cleared)

    def _record(self, event: events.AlertEvent) -> None:
        self._ports.journal.write(streams.alert_stream(event.kind, event.bot_id), None, (event,))

    def _tell(self, told: Told) -> None:
        if self._post is None:
            return
        waiting = self._telling.setdefault(key_of(told), [])
        if len(waiting) > 1:
            # It takes back what nobody has heard yet.
            waiting.pop()
            return
        waiting.append(told)
        if len(waiting) == 1:
            self._post_next(self._post, key_of(told))

    def _post_next(self, post: Post, key: Key) -> None:
        told = self._telling[key][0]
        self.beside(self._posted(post, told), lambda taken: self._was_told(post, told, taken=taken))

    def _was_told(self, post: Post, told: Told, *, taken: bool) -> None:
        waiting = self._telling[key_of(told)]
        if taken:
            del waiting[0]
            posted = events.AlertPosted(
                occurred_at=self._ports.clock.utc(),
                bot_id=told.bot_id,
                tenant_id=told.tenant_id,
                kind=told.kind,
                told=told.TOPIC,
            )
            self._record(posted)
        else:
            # What comes after it means nothing to somebody who has not heard this.
            waiting.clear()
            log.error("alert_not_posted", kind=told.kind, bot_id=told.bot_id, told=told.TOPIC)
        if waiting:
            self._post_next(post, key_of(told))
        else:
            del self._telling[key_of(told)]

    async def _posted(self, post: Post, told: Told) -> bool:
        at = told.occurred_at
        alert = Alert(told.TOPIC.replace("-", "."), at, told.kind, told.bot_id, told.tenant_id, told.detail)
        body = msgspec.json.encode(alert)
        # The same in every process: whoever takes it twice can tell.
        message_id = f"{told.TOPIC}-{told.kind}-{told.bot_id}-{at.timestamp() * 1000:.0f}"
        for pause_s in (*PAUSES_S, None):
            if await post(body, signed(self._secret, message_id, self._ports.clock.utc(), body)):
                return True
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return False


class Begin:
    """The first message: what earlier processes could not tell is told now."""


BEGIN = Begin()
