"""What an export is of, kept beside its unfinished file: so that the same command goes on with it, and no other."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ops.events.gateway import Gateway, Refused

EVENTS = "/api/events"
CATALOG = "/api/events/catalog"
POSITION = "Botloft-Position"
COMMON = ("position", "topic", "stream", "version", "occurred_at", "bot_id", "tenant_id")
TYPES = {"integer": "BIGINT", "number": "DOUBLE", "string": "VARCHAR", "boolean": "BOOLEAN"}
NESTED = "JSON"
MOMENT = "TIMESTAMP"


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
        plan = Plan(query, int(answer.header(POSITION)), _columns(catalog["events"], query))
    _keep(path, plan)
    return plan


def _keep(path: Path, plan: Plan) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(msgspec.json.encode(plan))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _columns(events: object, query: dict[str, str]) -> dict[str, str]:
    """Those that every event has, then all others by name."""
    topics = set(query["topics"].split(",")) if "topics" in query else None
    found: dict[str, str] = {}
    for event in msgspec.convert(events, list[dict[str, object]]):
        if topics is None or event["topic"] in topics:
            properties = msgspec.convert(event["schema"], dict[str, object])["properties"]
            for name, schema in msgspec.convert(properties, dict[str, dict[str, object]]).items():
                kind = _type(schema)
                found[name] = kind if found.get(name, kind) == kind else "VARCHAR"
    return {name: found[name] for name in (*COMMON, *sorted(found.keys() - set(COMMON)))}


def _type(schema: dict[str, object]) -> str:
    options = msgspec.convert(schema.get("anyOf", [schema]), list[dict[str, object]])
    (only, *more) = [one for one in options if one.get("type") != "null"]
    if more:
        return NESTED
    return MOMENT if only.get("format") == "date-time" else TYPES.get(str(only.get("type")), NESTED)
