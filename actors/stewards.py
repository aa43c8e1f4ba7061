"""Works that come back by themselves. Each is an actor with a beat of its own, and can be asked to work now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from actors.messages import DescribeRetention, RetentionReport, RetentionState, RunRetention
from actors.ports import Clock, Timers
from actors.runtime import DEFERRED, LoopActor, LoopFuture
from domain.refusal import Refused

FIRST_S = 60.0
DAY_S = 86_400.0

log = structlog.get_logger()

Work = Callable[[str], Awaitable[RetentionReport]]
"""Told by whom it was asked for. Never raises."""


class RetentionSteward(LoopActor):
    """Drops old days once a day."""

    def __init__(self, work: Work, clock: Clock, timers: Timers) -> None:
        super().__init__()
        self._work = work
        self._clock = clock
        self._timers = timers
        self._last: RetentionReport | None = None
        self._is_working = False
        self._again_in(FIRST_S)

    def on_stop(self) -> None:
        self._timer.cancel()

    def on_receive(self, message: object) -> Any:
        match message:
            case RunRetention():
                if self._is_working:
                    return Refused("overloaded", "Retention is running already: ask what it says in a moment.", 5.0)
                self._start(message.by, self.reply_later())
                return DEFERRED
            case DescribeRetention():
                return RetentionState(self._is_working, self._last)
            case _:
                raise TypeError(f"RetentionSteward has no case for {type(message).__name__}")

    def _beat(self) -> None:
        if not self._is_working:
            self._start("botloft", LoopFuture())
        self._again_in(DAY_S)

    def _start(self, by: str, reply: LoopFuture) -> None:
        self._is_working = True

        async def work() -> RetentionReport:
            return await self._work(by)

        def done(report: RetentionReport) -> None:
            self._is_working, self._last = False, report
            log.info("retention_ran", events=report.events, kept_from=report.kept_from, not_now=report.not_now)
            reply.set(report)

        self.beside(work(), done)

    def _again_in(self, seconds: float) -> None:
        self._timer = self._timers.at(self._clock.steady() + seconds, self._beat)
