"""Reads of the health view. Synchronous: the gateway calls them in a worker thread. `now` is always an argument."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice, zip_longest
from typing import NamedTuple

import msgspec

from domain.rules import health
from domain.rules.breaker import Phase
from domain.rules.health import Health
from projections.health.figures import BotHealth, HealthSummary
from projections.health.latency import percentile_ms
from projections.health.minutes import counted_after
from projections.health.tally import COLUMNS, Tally, from_row
from projections.moments import moment
from projections.views import Readable

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM health"  # noqa: S608  our own column names


class _Bot(NamedTuple):
    row: Tally
    recent_ok: int
    recent_failed: int

    @property
    def error_rate(self) -> float:
        return health.error_rate(self.recent_ok, self.recent_failed)

    @property
    def status(self) -> Health:
        return health.status(
            suspended=bool(self.row.suspended),
            error_rate=self.error_rate,
            consecutive_failures=self.row.consecutive_failures,
        )


def health_of(views: Readable, bot_id: int, now: datetime) -> BotHealth | None:
    with views.reading() as connection:
        found = next(_bots(connection, "WHERE bot_id=?", (bot_id,), now), None)
    return _told(found, now) if found else None


def all_health(
    views: Readable, now: datetime, status: Health | None = None, *, limit: int = 100, after_bot_id: int = 0
) -> list[BotHealth]:
    """By rising bot id; the next page begins after the last one's."""
    with views.reading() as connection:
        bots = _bots(connection, "WHERE bot_id>? ORDER BY bot_id", (after_bot_id,), now)
        wanted = (bot for bot in bots if status is None or bot.status is status)
        return [_told(bot, now) for bot in islice(wanted, limit)]


def statuses(connection: sqlite3.Connection, bot_ids: Sequence[int], now: datetime) -> dict[int, Health]:
    """Of those of these bots that somebody has."""
    wanted = msgspec.json.encode(bot_ids).decode()
    bots = _bots(connection, "WHERE bot_id IN (SELECT value FROM json_each(?))", (wanted,), now)
    return {bot.row.bot_id: bot.status for bot in bots}


def summary(views: Readable, now: datetime) -> HealthSummary:
    with views.reading() as connection:
        bots = list(_bots(connection, "", (), now))
    latencies = [sum(class_) for class_ in zip_longest(*(bot.row.latencies for bot in bots), fillvalue=0)]
    by_status = Counter(bot.status for bot in bots)
    successful = sum(bot.row.successful for bot in bots)
    failed = sum(bot.row.failed for bot in bots)
    rejected = sum(bot.row.rejected for bot in bots)
    return HealthSummary(
        bots=len(bots),
        bots_by_status={status: by_status[status] for status in Health},
        total_requests=successful + failed + rejected,
        successful_requests=successful,
        failed_requests=failed,
        rejected_requests=rejected,
        not_sent_requests=sum(bot.row.not_sent for bot in bots),
        uncertain_requests=sum(bot.row.uncertain for bot in bots),
        retries=sum(bot.row.retries for bot in bots),
        error_rate=health.error_rate(sum(bot.recent_ok for bot in bots), sum(bot.recent_failed for bot in bots)),
        lifetime_error_rate=health.error_rate(successful, failed),
        p50_ms=percentile_ms(latencies, 0.5),
        p99_ms=percentile_ms(latencies, 0.99),
        rate_limited=sum(bot.row.hold_until > now.timestamp() for bot in bots),
        breakers_not_closed=sum(bot.row.breaker != Phase.CLOSED for bot in bots),
    )


def _bots(connection: sqlite3.Connection, where: str, values: tuple[object, ...], now: datetime) -> Iterator[_Bot]:
    after = int((now.timestamp() - health.WINDOW_S) // 60)
    for row in map(from_row, connection.execute(f"{_SELECT} {where}", values)):
        yield _Bot(row, *counted_after(row.minutes, row.newest_minute, after))


def _told(bot: _Bot, now: datetime) -> BotHealth:
    row = bot.row
    return BotHealth(
        bot_id=row.bot_id,
        tenant_id=row.tenant_id,
        status=bot.status,
        total_requests=row.successful + row.failed + row.rejected,
        successful_requests=row.successful,
        failed_requests=row.failed,
        rejected_requests=row.rejected,
        not_sent_requests=row.not_sent,
        uncertain_requests=row.uncertain,
        retries=row.retries,
        error_rate=bot.error_rate,
        lifetime_error_rate=health.error_rate(row.successful, row.failed),
        avg_response_time_ms=row.average_ms,
        p50_ms=percentile_ms(row.latencies, 0.5),
        p99_ms=percentile_ms(row.latencies, 0.99),
        last_success=moment(row.last_success),
        last_failure=moment(row.last_failure),
        consecutive_failures=row.consecutive_failures,
        is_rate_limited=row.hold_until > now.timestamp(),
        breaker=row.breaker,
    )
