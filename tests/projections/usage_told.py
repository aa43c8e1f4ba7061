"""What is told of usage after some events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain import events as e
from projections import usage
from projections.runner import Runner
from projections.views import Views
from tests.examples import BOT_ID, NOON, TENANT
from tests.projections.sample_events import Log

OF_THE_BOT = usage.Whose(TENANT, BOT_ID)
OF_THE_FLEET = usage.Whose()
ALL = usage.Slice(1000)
WEEK = usage.last_days(7, NOW := NOON)


class UsageTold:
    """Appends and folds; asks about the week that ends with the day of NOON, a Wednesday."""

    def __init__(self, log: Log, runner: Runner, views: Views) -> None:
        self._log, self._runner, self._views = log, runner, views

    def after(self, *events: e.Event) -> UsageTold:
        self._log.append(*events)
        self._runner.catch_up()
        return self

    def ask(self, question: Callable[..., Any], *args: Any) -> Any:
        return question(self._views, *args)

    def summary(self, whose: usage.Whose = OF_THE_BOT, now: datetime = NOW) -> Any:
        return usage.summary(self._views, whose, now)

    def trends(
        self, whose: usage.Whose = OF_THE_BOT, span: usage.Span = WEEK, by: usage.By = usage.By.DAY, now: datetime = NOW
    ) -> Any:
        return usage.trends(self._views, whose, span, by, now)

    def errors(self, whose: usage.Whose = OF_THE_BOT, span: usage.Span = WEEK, cut: usage.Slice = ALL) -> Any:
        return usage.errors(self._views, whose, span, cut, NOW)

    def chats(
        self,
        sort: usage.Sort = usage.Sort.REQUESTS,
        whose: usage.Whose = OF_THE_BOT,
        span: usage.Span = WEEK,
        cut: usage.Slice = ALL,
    ) -> list[Any]:
        return usage.chats(self._views, whose, span, cut, sort).rows
