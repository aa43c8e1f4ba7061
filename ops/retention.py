"""Drops old days: what stands for them is in the log before anything is gone, so a crash in between loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from actors.messages import RetentionReport
from actors.ports import Clock, Recording
from domain import events, streams
from domain.errors import StoreError
from domain.tenant import OPERATOR
from projections.past import Unfoldable
from projections.retention import NotNow, Plan, Retention


def worker(
    retention: Retention, journal: Recording, clock: Clock, days: int, seen: Callable[[], int]
) -> Callable[[str], Awaitable[RetentionReport]]:
    """`seen`: where the projection is that is furthest behind."""

    async def work(by: str) -> RetentionReport:
        now = clock.utc()
        kept_from = now.date() - timedelta(days=days)
        nothing = RetentionReport(now, kept_from.isoformat(), 0, 0, 0)
        try:
            plan = await asyncio.to_thread(retention.plan, kept_from, seen())
            return await _dropped(retention, journal, clock, plan, by) if plan.last else nothing
        except (NotNow, StoreError, Unfoldable) as error:
            return RetentionReport(now, kept_from.isoformat(), 0, 0, 0, not_now=str(error))

    return work


async def _dropped(retention: Retention, journal: Recording, clock: Clock, plan: Plan, by: str) -> RetentionReport:
    now, kept_from = clock.utc(), plan.kept_from.isoformat()
    summaries = await asyncio.to_thread(retention.summaries, plan, now)
    for summary in summaries:
        await _recorded(journal, summary, streams.summary_stream(summary.day, summary.bot_id))
    await asyncio.to_thread(retention.keep_baseline, plan)
    count = sum(sum(summary.counts.values()) for summary in summaries)
    ran = events.RetentionRan(
        occurred_at=now, tenant_id=OPERATOR, up_to=plan.last, kept_from=kept_from, events=count, by=by
    )
    await _recorded(journal, ran, streams.RETENTION)
    await asyncio.to_thread(retention.drop, plan)
    return RetentionReport(now, kept_from, len({summary.day for summary in summaries}), count, plan.last)


async def _recorded(journal: Recording, event: events.Event, stream: str) -> None:
    """Raises StoreError."""
    done: asyncio.Future[int | StoreError] = asyncio.get_running_loop().create_future()
    journal.note(event, done.set_result, stream)
    result = await done
    if isinstance(result, StoreError):
        raise result
