"""Who has which bot: one row an owner, one a claimant. What a claimant may see is that they claim it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from domain import events
from domain.bot import Status
from domain.store.mapper import Recorded
from projections.moments import moment
from projections.projection import Table
from projections.views import Readable

REGISTERED = "registered"
UNVERIFIED = "unverified"
VERIFIED = "verified"

_PUT = "INSERT OR REPLACE INTO bots VALUES (?, ?, ?, ?, ?, ?, NULL, ?, '{}')"
_OWNERS = f"WHERE bot_id=? AND ownership<>'{UNVERIFIED}'"


class BotRow(msgspec.Struct, frozen=True):
    bot_id: int
    tenant_id: str
    username: str
    first_name: str
    status: Status
    ownership: str
    suspended_reason: str | None
    registered_at: datetime
    config: dict[str, object]
    """What its tenant has set; the rest is the fleet's default."""


class BotsProjection:
    name = "bots"
    carried = (Table("bots"),)
    tables = (
        """CREATE TABLE IF NOT EXISTS bots (bot_id INTEGER NOT NULL, tenant_id TEXT NOT NULL, username TEXT NOT NULL,
        first_name TEXT NOT NULL, status TEXT NOT NULL, ownership TEXT NOT NULL, suspended_reason TEXT,
        registered_at REAL NOT NULL, config TEXT NOT NULL, PRIMARY KEY (tenant_id, bot_id)) WITHOUT ROWID""",
        "CREATE INDEX IF NOT EXISTS tenants_of_bot ON bots (bot_id)",
    )

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        for recorded in events:
            change = _CHANGES.get(type(recorded.event))
            if change is not None:
                change(recorded.event, connection)


def is_known(views: Readable, tenant_id: str | None, bot_id: int) -> bool:
    """To this tenant; without one, to anybody."""
    with views.reading() as connection:
        rows = connection.execute("SELECT tenant_id FROM bots WHERE bot_id=?", (bot_id,)).fetchall()
    return bool(rows) if tenant_id is None else (tenant_id,) in rows


def bots_of(views: Readable, tenant_id: str) -> list[BotRow]:
    with views.reading() as connection:
        rows = connection.execute("SELECT * FROM bots WHERE tenant_id=? ORDER BY bot_id", (tenant_id,)).fetchall()
    return [row_of(*row) for row in rows]


def bot_of(views: Readable, tenant_id: str, bot_id: int) -> BotRow | None:
    with views.reading() as connection:
        row = connection.execute("SELECT * FROM bots WHERE tenant_id=? AND bot_id=?", (tenant_id, bot_id)).fetchone()
    return row_of(*row) if row else None


def row_of(*columns: Any) -> BotRow:
    bot_id, tenant_id, username, first_name, status, ownership, reason, registered_at, config = columns
    at, own = moment(float(registered_at)), msgspec.json.decode(config, type=dict[str, object])
    return BotRow(bot_id, tenant_id, username, first_name, Status(status), ownership, reason, at, own)


def _registered(event: events.BotRegistered, connection: sqlite3.Connection) -> None:
    # A bot has one owner: a former one that it was taken over from has it no longer.
    connection.execute(f"DELETE FROM bots {_OWNERS}", (event.bot_id,))  # noqa: S608  a constant
    _put(event, Status.ACTIVE, REGISTERED, connection)


def _challenged(event: events.OwnershipChallenged, connection: sqlite3.Connection) -> None:
    _put(event, Status.UNVERIFIED, UNVERIFIED, connection)


def _withdrawn(event: events.ChallengeWithdrawn, connection: sqlite3.Connection) -> None:
    connection.execute(
        f"DELETE FROM bots WHERE bot_id=? AND tenant_id=? AND ownership='{UNVERIFIED}'",  # noqa: S608  a constant
        (event.bot_id, event.tenant_id),
    )


def _verified(event: events.OwnershipVerified, connection: sqlite3.Connection) -> None:
    connection.execute(f"UPDATE bots SET ownership=? {_OWNERS}", (VERIFIED, event.bot_id))  # noqa: S608  a constant


def _suspended(event: events.BotSuspended, connection: sqlite3.Connection) -> None:
    _set_status(event.bot_id, Status.SUSPENDED, event.reason, connection)


def _resumed(event: events.BotResumed, connection: sqlite3.Connection) -> None:
    _set_status(event.bot_id, Status.ACTIVE, None, connection)


def _configured(event: events.BotConfigured, connection: sqlite3.Connection) -> None:
    config = msgspec.json.encode(event.config).decode()
    connection.execute(f"UPDATE bots SET config=? {_OWNERS}", (config, event.bot_id))  # noqa: S608  a constant


def _renamed(event: events.BotRenamed, connection: sqlite3.Connection) -> None:
    names = event.username, event.first_name
    connection.execute("UPDATE bots SET username=?, first_name=? WHERE bot_id=?", (*names, event.bot_id))


def _removed(event: events.BotRemoved, connection: sqlite3.Connection) -> None:
    connection.execute(f"DELETE FROM bots {_OWNERS}", (event.bot_id,))  # noqa: S608  a constant


def _put(
    event: events.BotRegistered | events.OwnershipChallenged,
    status: Status,
    ownership: str,
    connection: sqlite3.Connection,
) -> None:
    at = event.occurred_at.timestamp()
    connection.execute(
        _PUT, (event.bot_id, event.tenant_id, event.username, event.first_name, status.value, ownership, at)
    )


def _set_status(bot_id: int, status: Status, reason: str | None, connection: sqlite3.Connection) -> None:
    connection.execute(f"UPDATE bots SET status=?, suspended_reason=? {_OWNERS}", (status.value, reason, bot_id))  # noqa: S608


_CHANGES: dict[type[events.Event], Callable[[Any, sqlite3.Connection], None]] = {
    events.BotRegistered: _registered,
    events.OwnershipChallenged: _challenged,
    events.ChallengeWithdrawn: _withdrawn,
    events.OwnershipVerified: _verified,
    events.BotSuspended: _suspended,
    events.BotResumed: _resumed,
    events.BotRemoved: _removed,
    events.BotRenamed: _renamed,
    events.BotConfigured: _configured,
}
