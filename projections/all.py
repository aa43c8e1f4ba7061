"""The projections that this system has."""

from __future__ import annotations

from projections.bots import BotsProjection
from projections.commands import CommandsProjection
from projections.health import HealthProjection
from projections.history import HistoryProjection
from projections.projection import Projection
from projections.retries import RetriesProjection
from projections.tokens import TokensProjection
from projections.usage import UsageProjection


def all_projections() -> list[Projection]:
    return [
        BotsProjection(),
        HealthProjection(),
        CommandsProjection(),
        HistoryProjection(),
        RetriesProjection(),
        TokensProjection(),
        UsageProjection(),
    ]
