"""What an export is of, kept beside its unfinished file: so that the same command goes on with it, and no other."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ops.access import Refused
from ops.events.gateway import Gateway

EVENTS = "/api/events"
CATALOG = "/api/events/catalog"
POSITION = "Botloft-Position"
COMMON = ("position", "topic", "stream", "version", "occurred_at", "bot_id", "tenant_id")
TYPES = {"integer": "BIGINT", "number": "DOUBLE", "string": "VARCHAR", "boolean": "BOOLEAN"}
NESTED = "JSON"
MOMENT = "TIMESTAMP"
REF = "#/$defs/"


class _Value(msgspec.Struct, frozen=True):
    """As much of a JSON Schema as a column's type needs."""

    type: str | None = None
    format: str | None = None
    enum: list[object] | None = None
    ref: str | None = msgspec.field(default=None, name="$ref")
    any_of: list[_Value] | None = msgspec.field(default=None, name="anyOf")


class _Schema(msgspec.Struct, frozen=True):
    properties: dict[str, _Value]
    parts: dict[str, _Value] = msgspec.field(default_factory=dict, name="$defs")


class _Described(msgspec.Struct, frozen=True):
    topic: str
    schema: _Schema


class Plan(msgspec.Struct, frozen=True):
    query: dict[str, str]
    until: int
    """Where the log was when the export began: it ends there, however often it is taken up again."""
    columns: dict[str, str]
    """Of a table of these events: names and DuckDB's types, in order."""


def planned(path: Path, query: dict[str, str], gateway: Gateway) -> Plan:
    """The plan of the export that is under way, else a new one, which is kept. Raises Refused and Cut."""
    if path.exists():
        kept = msgspec.json.decode(path.read_bytes(), type=Plan)
        if kept.query != query:
            raise Refused(f"{path} belongs to an export of something else. Finish that, or delete it.")
        return kept
    with gateway.answer("GET", CATALOG, {}) as answer:
        catalog = msgspec.json.decode(answer.whole(), type=dict[str, object])
    with gateway.answer("GET", EVENTS, {**query, "limit": "0"}) as answer:
        plan = Plan(query, int(answer.header(POSITION)), columns_of(catalog["events"], query))
    _keep(path, plan)
    return plan


def _keep(path: Path, plan: Plan) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(msgspec.json.encode(plan))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def columns_of(events: object, query: dict[str, str]) -> dict[str, str]:
    """Those that every event has, then all others by name."""
    topics = set(query["topics"].split(",")) if "topics" in query else None
    found: dict[str, str] = {}
    for event in msgspec.convert(events, list[_Described]):
        if topics is None or event.topic in topics:
            for name, schema in event.schema.properties.items():
                kind = _type(schema, event.schema.parts)
                found[name] = kind if found.get(name, kind) == kind else "VARCHAR"
    return {name: found[name] for name in (*COMMON, *sorted(found.keys() - set(COMMON)))}


def _type(value: _Value, parts: dict[str, _Value]) -> str:
    (only, *more) = [one for one in value.any_of or [value] if one.type != "null"]
    if more:
        return NESTED
    if only.ref is not None:
        only = parts[only.ref.removeprefix(REF)]
    if only.enum is not None:
        return TYPES["string"]
    return MOMENT if only.format == "date-time" else TYPES.get(only.type or "", NESTED)
