"""What an operator must be told: one alert an incident, and one when it is over.

Alerts are posted on a connection of their own, so that what they tell of cannot keep them from being told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
import uuid_utils

from actors.messages import ClearAlert, RaiseAlert
from actors.ports import Ports
from actors.runtime import LoopActor
from domain import events
from domain.signing import signed

PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0)

log = structlog.get_logger()

Post = Callable[[bytes, dict[str, str]], Awaitable[bool]]
"""Posts a body with these headers; whether it was taken. Never raises."""


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
    def __init__(self, ports: Ports, post: Post | None, secret: str) -> None:
        """`post` None: alerts are recorded and logged, and posted nowhere."""
        super().__init__()
        self._ports = ports
        self._post = post
        self._secret = secret
        self._open: dict[tuple[str, int], RaiseAlert] = {}

    def on_receive(self, message: object) -> Any:
        match message:
            case RaiseAlert():
                self._raise(message)
            case ClearAlert():
                self._clear(message)
            case _:
                raise TypeError(f"AlertsActor has no case for {type(message).__name__}")

    def _raise(self, message: RaiseAlert) -> None:
        key = (message.kind, message.bot_id)
        if key in self._open:
            return
        self._open[key] = message
        log.error("alert_raised", kind=message.kind, bot_id=message.bot_id, detail=message.detail)
        self._tell(events.AlertRaised, message)

    def _clear(self, message: ClearAlert) -> None:
        raised = self._open.pop((message.kind, message.bot_id), None)
        if raised is not None:
            log.warning("alert_cleared", kind=raised.kind, bot_id=raised.bot_id)
            self._tell(events.AlertCleared, raised)

    def _tell(self, event: type[events.AlertRaised | events.AlertCleared], alert: RaiseAlert) -> None:
        now = self._ports.clock.utc()
        self._ports.journal.note(
            event(
                occurred_at=now,
                bot_id=alert.bot_id,
                tenant_id=alert.tenant_id,
                kind=alert.kind,
                detail=alert.detail,
            )
        )
        if self._post is None:
            return
        named = event.TOPIC.replace("-", ".")
        body = msgspec.json.encode(Alert(named, now, alert.kind, alert.bot_id, alert.tenant_id, alert.detail))
        headers = signed(self._secret, str(uuid_utils.uuid7()), now, body)
        self.beside(self._posted(self._post, body, headers), lambda _: None)

    async def _posted(self, post: Post, body: bytes, headers: dict[str, str]) -> None:
        for pause_s in (*PAUSES_S, None):
            if await post(body, headers):
                return
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        log.error("alert_not_posted", webhook_id=headers["webhook-id"])
