"""How callback URLs fare, over the lives of processes: which take nothing, since when, and what follows from that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from actors.callbacks import Callback
from actors.messages import CallbackInfo, ConfigureBot, Notify
from actors.outside import Posted
from actors.ports import Ports
from domain import events, streams
from domain.events import Event
from domain.rules import delivering
from domain.rules.delivering import Failing, Step, Verdict

BY = "botloft"

log = structlog.get_logger()


Configure = Callable[[ConfigureBot, Callable[[bool], None]], None]
"""Asks for a change of a bot; told whether it was made."""


def failing_of(history: Iterable[Event]) -> dict[int, Failing]:
    """As the log has it."""
    found: dict[int, Failing] = {}
    for event in history:
        match event:
            case events.EndpointFailing():
                found[event.bot_id] = Failing(event.since, is_recorded=True, is_warned=event.is_warned)
            case events.EndpointRecovered():
                found.pop(event.bot_id, None)
            case _:
                pass
    return found


class Endpoints:
    def __init__(self, ports: Ports, failing: dict[int, Failing], configure: Configure) -> None:
        self._ports = ports
        self._failing = failing
        self._configure = configure
        self._in_a_row: dict[int, int] = {}
        self._disabled: set[int] = set()

    def width(self, bot_id: int) -> int:
        """How many lanes may go at once."""
        return 0 if bot_id in self._disabled else delivering.width(self._in_a_row.get(bot_id, 0))

    def described(self, bot_id: int, url: str | None) -> CallbackInfo:
        failing = self._failing.get(bot_id)
        return CallbackInfo(url, failing.since if failing else None, self._in_a_row.get(bot_id, 0))

    def took(self, bot_id: int, callback: Callback) -> None:
        if callback == self._ports.callbacks.of(bot_id):
            self._recovered(bot_id, callback.tenant_id)

    def changed(self, bot_id: int, tenant_id: str) -> None:
        """What was known of it was of another."""
        self._disabled.discard(bot_id)
        self._recovered(bot_id, tenant_id)

    def failed(self, bot_id: int, callback: Callback, how: Posted) -> None:
        if callback != self._ports.callbacks.of(bot_id) or bot_id in self._disabled:
            return
        now = self._ports.clock.utc()
        self._in_a_row[bot_id] = self._in_a_row.get(bot_id, 0) + 1
        failing = self._failing.setdefault(bot_id, Failing(now))
        if delivering.verdict(how.status) is Verdict.GONE:
            self._disable(bot_id, callback, "it answered 410 Gone")
            return
        match delivering.due(failing, now):
            case Step.RECORD:
                self._record(bot_id, callback, replace(failing, is_recorded=True))
            case Step.WARN:
                self._record(bot_id, callback, replace(failing, is_recorded=True, is_warned=True))
                end = f"{failing.since + delivering.DISABLED_AFTER:%Y-%m-%d %H:%M} UTC"
                detail = (
                    f"The callback URL of bot {bot_id} has taken no update since {_said(failing.since)} "
                    f"(last: {how.cause}). If it does not take one before {end}, it is disabled."
                )
                self._ports.notify(Notify(callback.tenant_id, "endpoint_failing", detail, bot_id))
            case Step.DISABLE:
                self._disable(bot_id, callback, f"it has taken nothing since {_said(failing.since)}")
            case None:
                pass

    def _disable(self, bot_id: int, callback: Callback, why: str) -> None:
        log.warning("endpoint_disabled", bot_id=bot_id, why=why)
        self._disabled.add(bot_id)
        change = {"callback_url": None}
        asked = ConfigureBot(bot_id, callback.tenant_id, change, BY, f"The callback URL is disabled: {why}.")
        self._configure(asked, lambda is_done: self._was_disabled(bot_id, callback, why, is_done=is_done))

    def _was_disabled(self, bot_id: int, callback: Callback, why: str, *, is_done: bool) -> None:
        if not is_done:
            # The next failure says it again.
            self._disabled.discard(bot_id)
            return
        detail = (
            f"The callback URL of bot {bot_id} is disabled: {why}. Its updates wait for "
            f"{delivering.KEPT.total_seconds() / 3600:g} hours each: PATCH /api/bots/{bot_id} with a callback_url has "
            f"them posted again, GET /api/bots/{bot_id}/updates fetches them."
        )
        self._ports.notify(Notify(callback.tenant_id, "endpoint_disabled", detail, bot_id))

    def _record(self, bot_id: int, callback: Callback, failing: Failing) -> None:
        self._failing[bot_id] = failing
        event = events.EndpointFailing(
            occurred_at=self._ports.clock.utc(),
            bot_id=bot_id,
            tenant_id=callback.tenant_id,
            since=failing.since,
            is_warned=failing.is_warned,
        )
        self._ports.journal.write(streams.endpoint_stream(bot_id), None, (event,))

    def _recovered(self, bot_id: int, tenant_id: str) -> None:
        self._in_a_row.pop(bot_id, None)
        failing = self._failing.pop(bot_id, None)
        if failing is not None and failing.is_recorded:
            now = self._ports.clock.utc()
            event = events.EndpointRecovered(occurred_at=now, bot_id=bot_id, tenant_id=tenant_id)
            self._ports.journal.write(streams.endpoint_stream(bot_id), None, (event,))


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
