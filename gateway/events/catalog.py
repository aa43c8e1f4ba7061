"""Every event as an analyst meets it: what it tells, where it stands, its fields with their types and units."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import msgspec

from domain.events import CATALOGUE, DayEvent, Event
from gateway.events.wire import SHAPES, WITHHELD
from gateway.notes import notes_of

UNITS = {"_ms": "milliseconds", "_s": "seconds", "_rps": "requests per second", "_rpm": "requests per minute"}
TIMES = {"occurred_at", "received_at", "again_at", "until", "since", "expires_at"}
OF_EVERY_EVENT = {
    "position": "Its place in the log; no two events share one. What comes after it has a higher one.",
    "topic": "What happened; never renamed.",
    "stream": "Whose history it belongs to.",
    "version": "Its place in its stream, from 1.",
    "occurred_at": "When it happened, UTC. Nearly in the order of positions.",
    "bot_id": "Telegram's own number of the bot; null where it is no bot's.",
    "tenant_id": "Whose event it is.",
}


class DescribedEvent(msgspec.Struct):
    topic: str
    title: str
    description: str
    version: int
    streams: list[str]
    """Where it stands."""
    withheld: dict[str, str]
    """Fields that do not leave the gateway, and why."""
    schema: dict[str, Any]
    """JSON Schema of its form on the wire."""


CATALOG = {"fields_of_every_event": dict[str, str], "events": list[DescribedEvent]}
"""The shape of the catalogue."""


@cache
def catalog() -> dict[str, object]:
    return {
        "fields_of_every_event": OF_EVERY_EVENT,
        "events": [_described(topic, CATALOGUE[topic]) for topic in sorted(CATALOGUE)],
    }


def _described(topic: str, event: type[Event]) -> dict[str, object]:
    described = DescribedEvent(
        topic=topic,
        title=topic.replace("-", " ").capitalize(),
        description=inspect.cleandoc(event.__doc__ or ""),
        version=event.VERSION,
        streams=_streams(event),
        withheld={name: WITHHELD[name] for name in event.__struct_fields__ if name in WITHHELD},
        schema=_schema(topic, event),
    )
    return msgspec.structs.asdict(described)


def _streams(event: type[Event]) -> list[str]:
    if not issubclass(event, DayEvent):
        return ["bot/<bot_id>" if "bot_id" in event.__struct_fields__ else "tenant/<tenant_id>"]
    keyed = ["d/<day>/k"] if "command_id" in event.__struct_fields__ else []
    return ["d/<day>/<bot_id>", *keyed]


def _schema(topic: str, event: type[Event]) -> dict[str, Any]:
    """JSON Schema of its form on the wire, where every field is there."""
    (schema,), parts = msgspec.json.schema_components([SHAPES[topic]], ref_template="#/$defs/{name}")
    name = schema["$ref"].rpartition("/")[2]
    own: dict[str, Any] = parts.pop(name)
    properties = own["properties"]
    own["required"] = list(properties)
    told = {**notes_of(event, Event), **OF_EVERY_EVENT}
    for part in [own, *parts.values()]:
        for field, described in part.get("properties", {}).items():
            described.pop("default", None)
            _detail(field, described)
    for field, described in properties.items():
        if field in told:
            described["description"] = told[field]
    return {**own, **({"$defs": parts} if parts else {})}


def _detail(field: str, described: dict[str, Any]) -> None:
    unit = next((unit for ending, unit in UNITS.items() if field.endswith(ending)), None)
    if unit is not None:
        described["unit"] = unit
    if field in TIMES:
        for one in described.get("anyOf", [described]):
            if one.get("type") == "string":
                one["format"] = "date-time"
