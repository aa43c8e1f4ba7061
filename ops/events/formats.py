"""From lines of JSON to tables, out of core: what is in memory does not grow with the file."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import msgspec

from ops.access import Refused
from ops.events.plan import NESTED

Convert = Callable[[Path, Path, dict[str, str]], None]
MEMORY = "512MB"

_decode = msgspec.json.Decoder(dict[str, object]).decode


def _to_csv(lines: Path, table: Path, columns: dict[str, str]) -> None:
    nested = {name for name, kind in columns.items() if kind == NESTED}
    with lines.open("rb") as read, table.open("w", encoding="utf-8", newline="") as written:
        rows = csv.writer(written, lineterminator="\n")
        rows.writerow(columns)
        for line in read:
            event = _decode(line)
            rows.writerow([_cell(event.get(name), name in nested) for name in columns])
        written.flush()
        os.fsync(written.fileno())


def _cell(value: object, is_nested: bool) -> object:
    if is_nested and value is not None:
        return msgspec.json.encode(value).decode()
    return str(value).lower() if isinstance(value, bool) else value


def _to_parquet(lines: Path, table: Path, columns: dict[str, str]) -> None:
    import duckdb  # noqa: PLC0415  an extra

    types = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in columns.items())
    with duckdb.connect(config={"memory_limit": MEMORY}) as database:
        database.execute(
            f"COPY (FROM read_json({_quoted(str(lines))}, format='newline_delimited', columns={{{types}}}))"
            f" TO {_quoted(str(table))} (FORMAT parquet, COMPRESSION zstd)"
        )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _nothing() -> None:
    return None


def _csv() -> Convert:
    return _to_csv


def _parquet() -> Convert:
    """Raises Refused: before anything is fetched, not after."""
    if find_spec("duckdb") is None:
        raise Refused('Parquet takes DuckDB, which is an extra: pip install "botloft[analysis]".')
    return _to_parquet


FORMATS: MappingProxyType[str, Callable[[], Convert | None]] = MappingProxyType(
    {"ndjson": _nothing, "csv": _csv, "parquet": _parquet}
)
