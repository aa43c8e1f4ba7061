"""Folds a batch in memory, and writes each bucket and each bot's condition once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from domain import events
from domain.failure import Category
from domain.store.mapper import Recorded
from projections.history import bucket as buckets
from projections.history import condition as conditions
from projections.history.bucket import BUCKET_S, SHELF_S, Bucket
from projections.history.condition import MINUTE_S, Changes, Condition
from projections.outcomes import CountedAs, counted_as
from projections.projection import Table

_KEY = " AND ".join(f"{name}=?" for name in buckets.KEY)
_GET_BUCKET = f"SELECT {', '.join(buckets.COLUMNS)} FROM history WHERE {_KEY}"  # noqa: S608  our own column names
_PUT_BUCKET = f"INSERT OR REPLACE INTO history VALUES ({', '.join('?' * len(buckets.COLUMNS))})"  # noqa: S608
_GET_CONDITION = f"SELECT {', '.join(conditions.COLUMNS)} FROM bot_conditions WHERE bot_id=?"  # noqa: S608
_PUT_CONDITION = f"INSERT OR REPLACE INTO bot_conditions VALUES ({', '.join('?' * len(conditions.COLUMNS))})"  # noqa: S608


class HistoryProjection:
    name = "history"
    carried = (Table("history", begins="at"), Table("incidents"), Table("bot_conditions"))
    tables = (
        """CREATE TABLE IF NOT EXISTS history (shelf INTEGER NOT NULL, bot_id INTEGER NOT NULL,
        at INTEGER NOT NULL, tenant_id TEXT NOT NULL,
        successful INTEGER NOT NULL, failed INTEGER NOT NULL, rejected INTEGER NOT NULL, not_sent INTEGER NOT NULL,
        uncertain INTEGER NOT NULL, retries INTEGER NOT NULL, rate_limited INTEGER NOT NULL, answered INTEGER NOT NULL,
        telegram_ms REAL NOT NULL, latencies BLOB NOT NULL,
        PRIMARY KEY (shelf, bot_id, at, tenant_id)) WITHOUT ROWID""",
        """CREATE TABLE IF NOT EXISTS incidents (incident_id INTEGER PRIMARY KEY, bot_id INTEGER NOT NULL,
        tenant_id TEXT NOT NULL, kind TEXT NOT NULL, started_at REAL NOT NULL, cause TEXT NOT NULL, ended_at REAL)""",
        "CREATE INDEX IF NOT EXISTS incidents_of_bot ON incidents (bot_id)",
        """CREATE TABLE IF NOT EXISTS bot_conditions (bot_id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL,
        newest_minute INTEGER NOT NULL, in_a_row INTEGER NOT NULL, unhealthy INTEGER, breaker INTEGER,
        suspended INTEGER, over_by REAL, minutes BLOB NOT NULL)""",
    )

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        batch = _Batch(connection)
        for position, _, _, event in events:
            tell = TOLD.get(type(event))
            if tell is not None:
                tell(batch, position, event)
        batch.write()


class _Desk:
    """Where the deliveries of one bot within one minute are put down, to be counted together.

    Only while nothing is wrong with it: then they change nothing but counts.
    """

    __slots__ = ("begin", "bucket", "condition", "end", "telegram_ms", "tenant_id", "took_ms")

    def __init__(self, tenant_id: str, minute: int, bucket: Bucket, condition: Condition | None) -> None:
        self.tenant_id = tenant_id
        self.begin = minute * MINUTE_S
        self.end = self.begin + MINUTE_S
        self.bucket = bucket
        self.condition = condition
        self.telegram_ms: list[float] = []
        self.took_ms: list[float] = []

    def settle(self) -> None:
        self.bucket.delivered(self.telegram_ms, self.took_ms)
        if self.condition is not None:
            self.condition.all_went_well(self.begin // MINUTE_S, len(self.took_ms))


class _Batch:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._desks: dict[int, _Desk] = {}
        self._buckets: dict[tuple[int, int, int, str], Bucket] = {}
        self._conditions: dict[int, Condition | None] = {}
        self._changes = Changes()

    def delivered(self, _: int, event: events.CommandDelivered) -> None:
        """Most events are of this kind: this way must be short."""
        at = event.occurred_at.timestamp()
        desk = self._desks.get(event.bot_id)
        if desk is None or not desk.begin <= at < desk.end or desk.tenant_id != event.tenant_id:
            bucket, condition = self._bucket(event, at), self._owned(event)
            if condition is not None and condition.unhealthy is not None:
                bucket.answer(event)
                bucket.successful += 1
                condition.went_well(at, self._changes)
                return
            desk = _Desk(event.tenant_id, int(at // MINUTE_S), bucket, condition)
            self._desks[event.bot_id] = desk
        desk.telegram_ms.append(event.telegram_ms)
        desk.took_ms.append(event.telegram_ms + event.queue_ms)

    def rejected(self, position: int, event: events.CommandRejected) -> None:
        bucket = self._bucket(event, event.occurred_at.timestamp())
        bucket.answer(event)
        if counted_as(event) is CountedAs.FAILED:
            self._failed(position, event, bucket)
        else:
            bucket.rejected += 1

    def not_sent(self, position: int, event: events.CommandNotSent) -> None:
        bucket = self._bucket(event, event.occurred_at.timestamp())
        if counted_as(event) is CountedAs.FAILED:
            self._failed(position, event, bucket)
        else:
            bucket.not_sent += 1

    def uncertain(self, position: int, event: events.CommandUncertain) -> None:
        bucket = self._bucket(event, event.occurred_at.timestamp())
        bucket.uncertain += 1
        self._failed(position, event, bucket)

    def attempt_failed(self, _: int, event: events.AttemptFailed) -> None:
        bucket = self._bucket(event, event.occurred_at.timestamp())
        if event.again_at is not None:
            bucket.retries += 1
        if event.category is Category.RATE_LIMIT:
            bucket.rate_limited += 1

    def registered(self, _: int, event: events.BotRegistered) -> None:
        self._end(event)
        self._conditions[event.bot_id] = Condition(event.bot_id, event.tenant_id)

    def removed(self, _: int, event: events.BotRemoved) -> None:
        self._end(event)
        self._conditions[event.bot_id] = None

    def suspended(self, position: int, event: events.BotSuspended) -> None:
        condition = self._owned(event)
        if condition is not None:
            cause = f"{event.reason} (by {event.by})"
            condition.suspend(position, event.occurred_at.timestamp(), cause, self._changes)

    def resumed(self, _: int, event: events.BotResumed) -> None:
        condition = self._owned(event)
        if condition is not None:
            condition.resume(event.occurred_at.timestamp(), self._changes)

    def breaker_opened(self, position: int, event: events.BreakerOpened) -> None:
        self._shut_off(position, event, event.cause)

    def breaker_forced(self, position: int, event: events.BreakerForced) -> None:
        self._shut_off(position, event, f"forced open: {event.reason}")

    def breaker_half_opened(self, position: int, event: events.BreakerHalfOpened) -> None:
        self._shut_off(position, event, "half open")

    def breaker_closed(self, _: int, event: events.BreakerClosed) -> None:
        condition = self._owned(event)
        if condition is not None:
            condition.let_go(event.occurred_at.timestamp(), self._changes)

    def write(self) -> None:
        for desk in self._desks.values():
            desk.settle()
        connection, changes = self._connection, self._changes
        connection.executemany(_PUT_BUCKET, map(buckets.to_row, self._buckets.values()))
        gone = [(bot_id,) for bot_id, condition in self._conditions.items() if condition is None]
        connection.executemany("DELETE FROM bot_conditions WHERE bot_id=?", gone)
        there = [msgspec.structs.astuple(condition) for condition in self._conditions.values() if condition is not None]
        connection.executemany(_PUT_CONDITION, there)
        connection.executemany("INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?, NULL)", changes.begun)
        ends = [(at, incident_id) for incident_id, at in changes.ended.items()]
        connection.executemany("UPDATE incidents SET ended_at=MAX(?, started_at) WHERE incident_id=?", ends)

    def _failed(self, position: int, event: events.Failed, bucket: Bucket) -> None:
        bucket.failed += 1
        condition = self._owned(event)
        if condition is not None:
            condition.failed(position, event.occurred_at.timestamp(), self._changes)

    def _shut_off(self, position: int, event: _BreakerEvent, cause: str) -> None:
        condition = self._owned(event)
        if condition is not None:
            condition.shut_off(position, event.occurred_at.timestamp(), cause, self._changes)

    def _end(self, event: events.BotRegistered | events.BotRemoved) -> None:
        """Of a registration: nothing is carried over into the next one."""
        condition = self._condition(event.bot_id)
        if condition is not None:
            condition.gone(event.occurred_at.timestamp(), self._changes)

    def _owned(self, event: _OfABot) -> Condition | None:
        """The bot's condition, if this is its present owner's doing."""
        condition = self._condition(event.bot_id)
        return condition if condition is not None and condition.tenant_id == event.tenant_id else None

    def _settle(self, bot_id: int) -> None:
        """Before anything else is counted for this bot: in the order of the log."""
        desk = self._desks.pop(bot_id, None)
        if desk is not None:
            desk.settle()

    def _condition(self, bot_id: int) -> Condition | None:
        self._settle(bot_id)
        if bot_id not in self._conditions:
            row = self._connection.execute(_GET_CONDITION, (bot_id,)).fetchone()
            self._conditions[bot_id] = None if row is None else conditions.from_row(row)
        return self._conditions[bot_id]

    def _bucket(self, event: events.DayEvent, at: float) -> Bucket:
        self._settle(event.bot_id)
        begin = int(at // BUCKET_S) * BUCKET_S
        key = (begin // SHELF_S * SHELF_S, event.bot_id, begin, event.tenant_id)
        found = self._buckets.get(key)
        if found is None:
            row = self._connection.execute(_GET_BUCKET, key).fetchone()
            found = self._buckets[key] = Bucket(*key) if row is None else buckets.from_row(row)
        return found


_BreakerEvent = events.BreakerOpened | events.BreakerForced | events.BreakerHalfOpened
_OfABot = events.DayEvent | events.BotSuspended | events.BotResumed | events.BreakerClosed | _BreakerEvent

TOLD: dict[type[events.Event], Callable[[_Batch, int, Any], None]] = {
    events.CommandDelivered: _Batch.delivered,
    events.CommandRejected: _Batch.rejected,
    events.CommandNotSent: _Batch.not_sent,
    events.CommandUncertain: _Batch.uncertain,
    events.AttemptFailed: _Batch.attempt_failed,
    events.BotRegistered: _Batch.registered,
    events.BotRemoved: _Batch.removed,
    events.BotSuspended: _Batch.suspended,
    events.BotResumed: _Batch.resumed,
    events.BreakerOpened: _Batch.breaker_opened,
    events.BreakerForced: _Batch.breaker_forced,
    events.BreakerHalfOpened: _Batch.breaker_half_opened,
    events.BreakerClosed: _Batch.breaker_closed,
}
