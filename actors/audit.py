"""Writes down what admins do. It decides nothing: whoever asks it has looked whether it may be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actors.messages import Act, ActRefused, OnRecord, SkipEvent
from actors.ports import Clock, Recording
from actors.runtime import DEFERRED, LoopActor
from domain import streams
from domain.errors import StoreError
from domain.events import AdminActed, AdminActRefused, Event, ProjectionEventSkipped
from domain.refusal import Refused


class AuditActor(LoopActor):
    def __init__(self, journal: Recording, clock: Clock) -> None:
        super().__init__()
        self._journal = journal
        self._clock = clock

    def on_receive(self, message: object) -> Any:
        match message:
            case Act():
                return self._acted(message)
            case ActRefused(act, tenant_id, code):
                refused = AdminActRefused(
                    occurred_at=self._clock.utc(), tenant_id=tenant_id, act_position=act.position, code=code
                )
                return self._written(act.stream, refused)
            case SkipEvent():
                return self._skip(message)
            case _:
                raise TypeError(f"AuditActor has no case for {type(message).__name__}")

    def _acted(self, act: Act) -> Any:
        acted = AdminActed(
            occurred_at=self._clock.utc(),
            tenant_id=act.tenant_id,
            by=act.by,
            reason=act.reason,
            action=act.action,
            target=act.target,
            client=act.client,
        )
        stream = streams.admin_stream(acted.occurred_at)
        return self._written(stream, acted, lambda position: OnRecord(position, stream))

    def _skip(self, skip: SkipEvent) -> Any:
        skipped = ProjectionEventSkipped(
            occurred_at=self._clock.utc(),
            tenant_id=skip.tenant_id,
            by=skip.by,
            reason=skip.reason,
            projection=skip.projection,
            skipped_position=skip.position,
            skipped_topic=skip.topic,
            cause=skip.cause,
        )
        return self._written(streams.projection_stream(skip.projection), skipped)

    def _written(self, stream: str, event: Event, told: Callable[[int], object] = lambda position: position) -> Any:
        reply = self.reply_later()

        def written(result: int | StoreError) -> None:
            if isinstance(result, StoreError):
                reply.set(Refused("store_unavailable", "It could not be recorded and was not done. Try again."))
            else:
                reply.set(told(result))

        self._journal.write(stream, None, (event,), written)
        return DEFERRED
