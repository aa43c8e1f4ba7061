"""What a bot hears: updates a day, and by the bot command that users begin them with."""

from __future__ import annotations

import sqlite3

import msgspec

from projections.usage.heard_kept import NO_COMMAND
from projections.usage.rows import Whose, of_days
from projections.usage.spans import Span


class CommandUsage(msgspec.Struct, frozen=True, kw_only=True):
    command: str
    """As users write it, without the slash."""
    count: int


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    updates: int
    top_bot_commands: list[CommandUsage]


def heard_in(connection: sqlite3.Connection, whose: Whose, span: Span, limit: int) -> Heard:
    where, values = of_days(whose, span)
    (updates,) = connection.execute(
        f"SELECT COALESCE(SUM(count), 0) FROM usage_updates WHERE {where}",  # noqa: S608  our own words
        values,
    ).fetchone()
    rows = connection.execute(
        f"""SELECT command, SUM(count) FROM usage_updates WHERE {where} AND command<>?
        GROUP BY command ORDER BY SUM(count) DESC, command LIMIT ?""",  # noqa: S608  our own words
        (*values, NO_COMMAND, limit),
    )
    return Heard(
        updates=updates, top_bot_commands=[CommandUsage(command=command, count=count) for command, count in rows]
    )
