"""A bot's errors of a day: exact counts of as many kinds as a day can sensibly have, and one more for all others."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from projections.usage.batch import ErrorKey

KINDS_MAX = 100
"""Of one bot on one day. Beyond it a description is somebody's own text, and there is no end of them."""
OTHERS = "(others)"

_KNOWN = """SELECT day, tenant_id, bot_id, counted_as, category, code, telegram_code, description
FROM usage_errors WHERE day=? AND tenant_id=? AND bot_id=?"""
_ADD = (
    "INSERT INTO usage_errors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count=count+excluded.count"
)

_Day = tuple[int, str, int]


def write_errors(errors: Mapping[ErrorKey, int], connection: sqlite3.Connection) -> None:
    known: dict[_Day, set[ErrorKey]] = {}
    rows = []
    for key, count in errors.items():
        day = key[:3]
        kinds = known.get(day)
        if kinds is None:
            kinds = known[day] = {ErrorKey(*row) for row in connection.execute(_KNOWN, day)}
        if key not in kinds and len(kinds) >= KINDS_MAX:
            key = key._replace(telegram_code=0, description=OTHERS)  # noqa: PLW2901  it is told as another one
        kinds.add(key)
        rows.append((*key, count))
    connection.executemany(_ADD, rows)
