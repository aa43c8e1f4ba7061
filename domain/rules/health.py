"""When a bot is healthy, degraded or unhealthy."""

from __future__ import annotations

from enum import StrEnum

EMA_WEIGHT = 0.3
"""How much the newest response counts in the average."""
WINDOW_S = 15 * 60
"""The error rate that decides looks back this far."""
DEGRADED_AT = 0.2
UNHEALTHY_AT = 0.5
UNHEALTHY_IN_A_ROW = 5


class Health(StrEnum):
    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNHEALTHY = "UNHEALTHY"
    SUSPENDED = "SUSPENDED"


def status(*, suspended: bool, error_rate: float, consecutive_failures: int) -> Health:
    if suspended:
        return Health.SUSPENDED
    if error_rate >= UNHEALTHY_AT or consecutive_failures >= UNHEALTHY_IN_A_ROW:
        return Health.UNHEALTHY
    if error_rate >= DEGRADED_AT:
        return Health.DEGRADED
    return Health.HEALTHY


def error_rate(successful: int, failed: int) -> float:
    """Rejected commands are the tenant's mistakes and no errors of the bot: they stay out of both sides."""
    asked = successful + failed
    return failed / asked if asked else 0.0


def averaged_ms(average_ms: float | None, newest_ms: float) -> float:
    if average_ms is None:
        return newest_ms
    return average_ms + EMA_WEIGHT * (newest_ms - average_ms)
