"""Reads of the retries view. Synchronous: the gateway calls them in a worker thread."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.failure import Category, Strategy
from projections import spread
from projections.moments import moment
from projections.retries import tally as tallies
from projections.retries.figures import Counts, Kind, RetryStatistics
from projections.retries.tally import FLEET, Tally
from projections.views import Readable

_SELECT = f"SELECT {', '.join(tallies.COLUMNS)} FROM retries WHERE bot_id=? ORDER BY category, strategy, day"  # noqa: S608  ours
_OPEN = "SELECT COUNT(*) FROM retried_commands"


def retry_statistics(views: Readable, bot_id: int | None, now: datetime) -> RetryStatistics | None:
    """Of one bot, or of the fleet; None: there never was such a bot."""
    del now  # nothing in it ages
    key = FLEET if bot_id is None else bot_id
    with views.reading() as connection:
        since, reason = connection.execute(
            "SELECT since, reason FROM retries_since WHERE bot_id=?", (key,)
        ).fetchone() or (None, None)
        rows = connection.execute(_SELECT, (key,)).fetchall()
        if bot_id is None:
            (still_open,) = connection.execute(_OPEN).fetchone()
        else:
            (still_open,) = connection.execute(f"{_OPEN} WHERE bot_id=? AND counts_for_bot", (key,)).fetchone()
    if since is None and bot_id is not None:
        return None
    kinds: dict[tuple[str, str], Tally] = {}
    totals = Tally(key, 0, "", "")
    for tally in map(tallies.from_row, rows):
        kind = (tally.category, tally.strategy)
        kinds.setdefault(kind, Tally(key, 0, *kind)).add(tally)
        totals.add(tally)
    return RetryStatistics(
        bot_id=bot_id,
        since=moment(since),
        reset_reason=reason,
        totals=Counts(**_counts(totals)),
        open=still_open,
        by_kind=[
            Kind(category=Category(category), strategy=Strategy(strategy), **_counts(tally))
            for (category, strategy), tally in kinds.items()
        ],
    )


def _counts(tally: Tally) -> dict[str, Any]:
    ended = tally.recovered + tally.given_up
    return {
        "failed_attempts": tally.failed,
        "retried": tally.retried,
        "recovered": tally.recovered,
        "given_up": tally.given_up,
        "recovery_rate": tally.recovered / ended if ended else None,
        "avg_delay_ms": round(tally.delay_ms / tally.retried, 3) if tally.retried else None,
        "p50_delay_ms": spread.percentile_ms(tally.delays, 0.5),
        "p99_delay_ms": spread.percentile_ms(tally.delays, 0.99),
        "max_delay_ms": tally.delay_ms_max if tally.retried else None,
    }
