"""What a bot hears, as it is kept: updates a day by the bot command that users begin them with."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

NO_COMMAND = ""

UPDATES = """CREATE TABLE IF NOT EXISTS usage_updates (day INTEGER NOT NULL, tenant_id TEXT NOT NULL,
bot_id INTEGER NOT NULL, command TEXT NOT NULL, count INTEGER NOT NULL,
PRIMARY KEY (day, tenant_id, bot_id, command)) WITHOUT ROWID"""
_ADD = "INSERT INTO usage_updates VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count=count+excluded.count"

HeardKey = tuple[int, str, int, str]
"""Day, tenant, bot and command."""


def write_heard(heard: Mapping[HeardKey, int], connection: sqlite3.Connection) -> None:
    connection.executemany(_ADD, [(*key, count) for key, count in heard.items()])
