"""Where a fold begins when the events before it were dropped: the views as they were then, kept beside the log.

Rows about the present are in the baseline itself, which each retention run replaces. Rows of a stretch of time are in
the `DaySummarised` events of their day. Together they are what a fold of the dropped events would have given.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from domain import events, streams
from domain.store.ledger import Ledger, Snapshot
from projections.projection import Projection

NAME = "baseline"

Rows = dict[str, list[list[Any]]]
"""Of tables by their name, each row's columns in order."""

encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Rows).decode


def begun(ledger: Ledger, projection: Projection, connection: sqlite3.Connection) -> int:
    """Fills the projection's empty tables; the position that its fold goes on from, 0 where nothing was dropped."""
    baseline = ledger.snapshot(NAME)
    if baseline is None:
        return 0
    names = {table.name for table in projection.carried}
    _put(connection, names, _decode(baseline.state))
    for recorded in ledger.streams_under(streams.SUMMARIES) if names else ():
        summary = recorded.event
        # One of a run that was cut off before its baseline was kept is not true yet.
        if isinstance(summary, events.DaySummarised) and summary.up_to <= baseline.version and summary.rows:
            _put(connection, names, _decode(summary.rows))
    return baseline.version


def keep(ledger: Ledger, position: int, rows: Rows) -> None:
    ledger.keep_snapshot(Snapshot(NAME, position, encode(rows)))


def horizon(ledger: Ledger) -> int:
    """Nothing can be told about moments before this position; 0: about all of them."""
    baseline = ledger.snapshot(NAME)
    return baseline.version if baseline else 0


def _put(connection: sqlite3.Connection, names: Iterable[str], rows: Rows) -> None:
    for name in names:
        found: Sequence[list[Any]] = rows.get(name, ())
        if found:
            places = ", ".join("?" * len(found[0]))
            connection.executemany(f"INSERT OR REPLACE INTO {name} VALUES ({places})", found)  # noqa: S608  ours
