"""How each bot is doing, as one row of counts a bot, one-minute buckets and a distribution of response times."""

from projections.health.breakers import Breakers, breakers
from projections.health.figures import BotHealth, HealthSummary
from projections.health.projection import HealthProjection
from projections.health.queries import all_health, health_of, summary

__all__ = [
    "BotHealth",
    "Breakers",
    "HealthProjection",
    "HealthSummary",
    "all_health",
    "breakers",
    "health_of",
    "summary",
]
