"""A log to fold, the events that examples.py has no need of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

from domain import events as e
from domain import streams
from domain.failure import Category
from domain.store.ledger import Ledger
from domain.store.mapper import Entry, Recorded
from domain.store.sqlite import SQLiteStore
from projections.views import Views
from tests.examples import (
    BOT_ID,
    COMMAND_ID,
    NOON,
    OTHER_TENANT,
    TENANT,
    after,
)

Dump = dict[str, list[tuple[object, ...]]]


class Log:
    """A real ledger; every event goes to the next version of its stream, and nothing is ever open."""

    def __init__(self, path: Path) -> None:
        self.store = SQLiteStore(path)
        self.ledger = Ledger(self.store)
        self._versions: Counter[str] = Counter()

    def append(self, *events: e.Event) -> int:
        """The position of the last one."""
        entries = []
        for event in events:
            is_of_a_day = isinstance(event, e.DayEvent)
            stream = streams.day_stream(event) if is_of_a_day else streams.bot_stream(getattr(event, "bot_id", 0))
            self._versions[stream] += 1
            entries.append(Entry(stream, self._versions[stream], event))
        return self.ledger.append(entries, mark=lambda positions: positions[-1] + 1)[-1]

    def damage(self, position: int, *skipped_by: str) -> None:
        """Nobody can read it any more, and these projections have been told to skip it."""
        with self.store.writing() as cursor:
            cursor.execute("UPDATE events SET topic='of-a-newer-version' WHERE rowid=?", (position,))
        for name in skipped_by:
            skip = e.ProjectionEventSkipped(
                occurred_at=NOON,
                tenant_id="operator",
                by="k1",
                reason="damaged",
                projection=name,
                skipped_position=position,
                skipped_topic="of-a-newer-version",
                cause="KeyError()",
            )
            stream = streams.projection_stream(name)
            self.ledger.append([Entry(stream, self.ledger.last_version(stream) + 1, skip)])


def dump(views: Views) -> Dump:
    """Every row of every table, positions included."""
    with views.reading() as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name").fetchall()
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in tables}


def dump_of(path: Path) -> Dump:
    with closing(Views(path)) as views:
        return dump(views)


def an_update(**changes: object) -> e.UpdateReceived:
    update = e.UpdateReceived(
        occurred_at=after(0), bot_id=BOT_ID, tenant_id=TENANT, update_id=7, kind="message", via="webhook"
    )
    return msgspec.structs.replace(update, **changes)


def recorded(events: Sequence[e.Event]) -> list[Recorded]:
    return [Recorded(position, "a stream", position, event) for position, event in enumerate(events, 1)]


def registered(bot_id: int = BOT_ID, tenant_id: str = TENANT, seconds: float = 0) -> e.BotRegistered:
    return e.BotRegistered(
        occurred_at=after(seconds),
        bot_id=bot_id,
        tenant_id=tenant_id,
        username="examples_bot",
        first_name="Examples",
        token_sealed=b"\x01sealed",
        token_fingerprint="fingerprint",
    )


def challenged(bot_id: int = BOT_ID, tenant_id: str = OTHER_TENANT, seconds: float = 0) -> e.OwnershipChallenged:
    return e.OwnershipChallenged(
        occurred_at=after(seconds),
        bot_id=bot_id,
        tenant_id=tenant_id,
        username="examples_bot",
        first_name="Examples",
        token_sealed=b"\x01sealed",
        token_fingerprint="fingerprint",
    )


def verified(bot_id: int = BOT_ID, tenant_id: str = TENANT) -> e.OwnershipVerified:
    return e.OwnershipVerified(occurred_at=NOON, bot_id=bot_id, tenant_id=tenant_id)


def withdrawn(bot_id: int = BOT_ID, tenant_id: str = OTHER_TENANT) -> e.ChallengeWithdrawn:
    return e.ChallengeWithdrawn(occurred_at=NOON, bot_id=bot_id, tenant_id=tenant_id)


def suspended(bot_id: int = BOT_ID, tenant_id: str = TENANT) -> e.BotSuspended:
    return e.BotSuspended(occurred_at=NOON, bot_id=bot_id, tenant_id=tenant_id, reason="holiday", by="tenant")


def resumed(bot_id: int = BOT_ID, tenant_id: str = TENANT) -> e.BotResumed:
    return e.BotResumed(occurred_at=NOON, bot_id=bot_id, tenant_id=tenant_id, by="tenant")


def removed(bot_id: int = BOT_ID, tenant_id: str = TENANT) -> e.BotRemoved:
    return e.BotRemoved(occurred_at=NOON, bot_id=bot_id, tenant_id=tenant_id)


def reset(bot_id: int | None = None, at: datetime = NOON, reason: str = "a new policy") -> e.RetryStatisticsReset:
    return e.RetryStatisticsReset(occurred_at=at, tenant_id=TENANT, bot_id=bot_id, reason=reason, by="admin")


def breaker_events(bot_id: int = BOT_ID, tenant_id: str = TENANT) -> tuple[e.Event, e.Event, e.Event]:
    return (
        e.BreakerOpened(occurred_at=NOON, bot_id=bot_id, tenant_id=tenant_id, until=after(60), cause="5 in a row"),
        e.BreakerHalfOpened(occurred_at=after(60), bot_id=bot_id, tenant_id=tenant_id),
        e.BreakerClosed(occurred_at=after(61), bot_id=bot_id, tenant_id=tenant_id),
    )


def attempt_failed(
    attempt: int = 1, at: float = 1.0, again_at: float | None = 2.0, command_id: str = COMMAND_ID, **changes: object
) -> e.AttemptFailed:
    fields = {
        "occurred_at": after(at),
        "bot_id": BOT_ID,
        "tenant_id": TENANT,
        "command_id": command_id,
        "method": "sendMessage",
        "attempt": attempt,
        "category": Category.UNREACHABLE,
        "description": "connection refused",
        "telegram_ms": 3.0,
        "chat": "42",
        "again_at": None if again_at is None else after(again_at),
    }
    return e.AttemptFailed(**{**fields, **changes})


def accepted(at: float = 0.1, command_id: str = COMMAND_ID, **changes: object) -> e.CommandAccepted:
    fields = {
        "occurred_at": after(at),
        "bot_id": BOT_ID,
        "tenant_id": TENANT,
        "command_id": command_id,
        "method": "sendMessage",
        "received_at": NOON,
        "deadline_s": 3600.0,
        "parameters_sealed": b"\x01sealed",
        "body_hash": "0" * 64,
        "chat": "42",
    }
    return e.CommandAccepted(**{**fields, **changes})
