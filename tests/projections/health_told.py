"""A bot's health as it is told after some events."""

from __future__ import annotations

from datetime import datetime

from domain import events as e
from projections.health import BotHealth, health_of
from projections.runner import Runner
from projections.views import Views
from tests.examples import (
    BOT_ID,
    a_delivered,
    after,
    an_uncertain,
)
from tests.projections.sample_events import (
    Log,
)

A_MINUTE_ON = after(60)


class HealthTold:
    """What is told of the bot after these events."""

    def __init__(self, log: Log, runner: Runner, views: Views) -> None:
        self._log, self._runner, self._views = log, runner, views

    def __call__(self, *events: e.Event, now: datetime = A_MINUTE_ON, bot_id: int = BOT_ID) -> BotHealth | None:
        if events:
            self._log.append(*events)
        self._runner.catch_up()
        return health_of(self._views, bot_id, now)


def outcomes(successful: int, failed: int, at: float = 0.0) -> list[e.Event]:
    """The successes last, so that the failures in a row do not decide."""
    return [an_uncertain(f"u{n}", occurred_at=after(at)) for n in range(failed)] + [
        a_delivered(f"d{n}", occurred_at=after(at)) for n in range(successful)
    ]
