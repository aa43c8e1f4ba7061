"""What Telegram last said of each bot's token, when, and why it was asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from domain import events
from domain.rules.validation import Verdict, Why
from domain.store.mapper import Recorded
from projections.moments import moment
from projections.projection import Table
from projections.views import Readable

_PUT = "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)"


class TokenStatus(msgspec.Struct, frozen=True):
    category: Verdict
    last_validated: datetime
    why: Why


class TokensProjection:
    name = "tokens"
    carried = (Table("tokens"),)
    tables = (
        """CREATE TABLE IF NOT EXISTS tokens (bot_id INTEGER PRIMARY KEY, category TEXT NOT NULL,
        validated_at REAL NOT NULL, why TEXT NOT NULL)""",
    )

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        for recorded in events:
            fold = _FOLDS.get(type(recorded.event))
            if fold is not None:
                fold(recorded.event, connection)


def token_status(views: Readable, bot_id: int) -> TokenStatus | None:
    with views.reading() as connection:
        row = connection.execute("SELECT category, validated_at, why FROM tokens WHERE bot_id=?", (bot_id,)).fetchone()
    return TokenStatus(Verdict(row[0]), moment(row[1]), Why(row[2])) if row else None


def _registered(event: events.BotRegistered, connection: sqlite3.Connection) -> None:
    connection.execute(_PUT, (event.bot_id, Verdict.VALID, event.occurred_at.timestamp(), Why.REGISTRATION))


def _validated(event: events.TokenValidated, connection: sqlite3.Connection) -> None:
    connection.execute(_PUT, (event.bot_id, event.category, event.occurred_at.timestamp(), event.why))


def _inspected(event: events.TokensInspected, connection: sqlite3.Connection) -> None:
    at = event.occurred_at.timestamp()
    for verdict, bots in ((Verdict.VALID, event.valid), (Verdict.REVOKED, event.revoked)):
        connection.executemany(_PUT, [(bot_id, verdict, at, Why.DAILY) for bot_id in bots])


def _removed(event: events.BotRemoved, connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM tokens WHERE bot_id=?", (event.bot_id,))


_FOLDS: dict[type[events.Event], Callable[[Any, sqlite3.Connection], None]] = {
    events.BotRegistered: _registered,
    events.TokenValidated: _validated,
    events.TokensInspected: _inspected,
    events.BotRemoved: _removed,
}
