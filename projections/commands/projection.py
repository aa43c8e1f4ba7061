"""Folds a batch command by command, and writes each command once, onto what earlier batches wrote of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec

from domain.events import RetentionRan
from domain.store.mapper import Recorded
from projections.commands.row import TOLD, CommandRow, Told
from projections.commands.story import OPEN

LONGEST = timedelta(hours=2)
"""A command of the last day that was dropped may have ended so much later."""
_COLUMNS = CommandRow.__struct_fields__
_KEPT = ("opened", "command_id", "bot_id", "tenant_id", "method", "chat")
_MERGED = {
    "received_at": "COALESCE(received_at, excluded.received_at)",
    "accepted_at": "COALESCE(accepted_at, excluded.accepted_at)",
    "started_at": "COALESCE(started_at, excluded.started_at)",
    "attempts": "MAX(attempts, excluded.attempts)",
    "failures": "failures || excluded.failures",
}
# The same merge as a row's own methods make within a batch: so the cut between batches leaves no trace.
_MERGE = ", ".join(f"{name}={_MERGED.get(name, f'excluded.{name}')}" for name in _COLUMNS if name not in _KEPT)
_STORE = f"""INSERT INTO commands VALUES ({", ".join("?" * len(_COLUMNS))})
    ON CONFLICT (command_id) DO UPDATE SET {_MERGE} WHERE state='{OPEN}'"""  # noqa: S608  our own column names


class CommandsProjection:
    name = "commands"
    carried = ()  # a command's story tells its times itself
    tables = (
        """CREATE TABLE IF NOT EXISTS commands (opened INTEGER PRIMARY KEY, command_id TEXT NOT NULL UNIQUE,
        bot_id INTEGER NOT NULL, tenant_id TEXT NOT NULL, method TEXT NOT NULL, chat TEXT, state TEXT NOT NULL,
        code TEXT, category TEXT, telegram_code INTEGER, telegram_description TEXT,
        received_at REAL, accepted_at REAL, started_at REAL, ended_at REAL, attempts INTEGER NOT NULL,
        queue_ms REAL, telegram_ms REAL, position INTEGER NOT NULL, waits TEXT, failures TEXT NOT NULL)""",
        "CREATE INDEX IF NOT EXISTS commands_of_bot ON commands (bot_id)",
    )

    def fold(self, events: Sequence[Recorded], connection: sqlite3.Connection) -> None:
        commands: dict[str, CommandRow] = {}
        for position, _, _, event in events:
            tell = TOLD.get(type(event))
            if tell is None:
                if isinstance(event, RetentionRan):
                    _store(commands, connection)
                    commands = {}
                    _forget(event, connection)
                continue
            told = cast(Told, event)
            command = commands.get(told.command_id)
            if command is None:
                command = CommandRow(position, told.command_id, told.bot_id, told.tenant_id, told.method, told.chat)
                commands[told.command_id] = command
            elif command.state != OPEN:
                continue
            tell(command, told)
            command.position = position
        _store(commands, connection)


def _store(commands: dict[str, CommandRow], connection: sqlite3.Connection) -> None:
    connection.executemany(_STORE, list(map(msgspec.structs.astuple, commands.values())))


def _forget(event: RetentionRan, connection: sqlite3.Connection) -> None:
    """Whatever a view that is rebuilt without the dropped days could know only a part of."""
    until = datetime.fromisoformat(event.kept_from).replace(tzinfo=UTC) + LONGEST
    connection.execute(
        "DELETE FROM commands WHERE received_at < ? OR received_at IS NULL AND opened <= ?",
        (until.timestamp(), event.up_to),
    )
