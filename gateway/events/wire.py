"""An event on the wire: where it stands in the log, and those of its fields that may be seen, each one always there.

`SEEN` and `WITHHELD` are the one table of that. A field that neither names does not leave, and fails a test. The log
leaves out fields that have their default; here they are told, or an average over them would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import structlog

from domain.events import CATALOGUE, Event
from domain.store.store import Row
from domain.streams import DAY_NAME_AT, is_of_a_key

SEEN = frozenset({
    # of every event
    "occurred_at", "bot_id", "tenant_id",
    # accounts and bots
    "name", "key_id", "scopes", "label", "expires_at", "successor_id", "last_used_at",
    "username", "first_name", "reason", "by", "config", "cause", "until",
    "why", "valid", "revoked", "is_takeover",
    # commands
    "command_id", "method", "received_at", "deadline_s", "chat", "retry_uncertain", "patient", "attempt", "attempts",
    "category", "description", "telegram_ms", "telegram_code", "retry_after_s", "again_at", "queue_ms", "waits",
    "code", "scope",
    # actors and alerts
    "kind", "detail", "after_s", "told",
    # updates
    "update_id", "via", "chat_type", "command", "after_ms",
    # notices and endpoints
    "number", "is_warned",
    # what operators do, and retention
    "weight", "action", "target", "act_position", "projection", "skipped_position", "skipped_topic", "day", "up_to",
    "counts", "kept_from", "events",
    # inside of waits
    "since", "because",
    # inside of config
    "bot_rps", "chat_rps", "group_rpm", "max_in_flight", "retry", "breaker", "strategy", "retries", "base_s", "cap_s",
    "failures", "cooldown_s", "successes", "slow_call_s", "updates", "allowed_updates",
})  # fmt: skip
WITHHELD: Mapping[str, str] = {
    "token_sealed": "a secret, even if sealed",
    "token_fingerprint": "tells whether two bots ever had one token, and nothing to an analyst",
    "path_sealed": "a webhook's address is a secret, even if sealed",
    "secret_sealed": "a secret, even if sealed",
    "secret_hash": "what a key is checked against",
    "code_hash": "what an ownership code is checked against",
    "parameters_sealed": "a message's text, sealed",
    "result_sealed": "Telegram's answer, with a message's text in it, sealed",
    "body_hash": "short texts can be guessed from it",
    "callback_sealed": "a tenant's address and a secret, even if sealed",
    "endpoint_sealed": "the same",
    "rows": "a projection's own, for rebuilds",
    "client": "an admin's address is personal data; an admin's key is told it",
}
"""And why. They are left out: a placeholder would tell no more."""
FOR_ADMINS = frozenset({"client"})
KEY_STREAM = "k"
"""In place of an idempotency key's hash, from which short keys can be guessed."""
PLACE: list[tuple[str, type, Any]] = [
    ("position", int, 0),
    ("topic", str, ""),
    ("stream", str, ""),
    ("version", int, 0),
]

log = structlog.get_logger()

_encode = msgspec.json.Encoder().encode


def _shape(event: type[Event], seen: frozenset[str]) -> type[msgspec.Struct]:
    """A struct like the event, with its place in front and without what is withheld, which decoding passes over."""
    fields: list[Any] = [*PLACE]
    own = {field.name: field for field in msgspec.structs.fields(event) if field.name in seen}
    for name in ("occurred_at", "bot_id", "tenant_id"):
        field = own.pop(name, None)
        fields.append((name, int | None, None) if field is None else _field(field))
    fields += [_field(field) for field in own.values()]
    return msgspec.defstruct(event.__name__, fields, kw_only=True, gc=False)


def _field(field: msgspec.structs.FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    if field.required:
        return field.name, field.type
    return field.name, field.type, field.default


SHAPES = {topic: _shape(event, SEEN) for topic, event in CATALOGUE.items()}
_decoders = {topic: msgspec.json.Decoder(shape).decode for topic, shape in SHAPES.items()}
_of_admins = {
    **_decoders,
    **{
        topic: msgspec.json.Decoder(_shape(event, SEEN | FOR_ADMINS)).decode
        for topic, event in CATALOGUE.items()
        if not FOR_ADMINS.isdisjoint(event.__struct_fields__)
    },
}


def on_the_wire(row: Row, *, for_admin: bool = False) -> bytes:
    """One JSON object, without an end of line."""
    position, stream, version, topic, state = row
    event: Any = (_of_admins if for_admin else _decoders)[topic](state)
    event.position, event.version, event.topic = position, version, topic
    event.stream = stream[:DAY_NAME_AT] + KEY_STREAM if is_of_a_key(stream) else stream
    return _encode(event)


def lines(rows: Iterable[Row], *, for_admin: bool = False) -> bytes:
    return b"".join(line + b"\n" for _, line in _readable(rows, for_admin))


def server_sent(rows: Iterable[Row], *, for_admin: bool = False) -> bytes:
    return b"".join(
        b"id: %d\nevent: %s\ndata: %s\n\n" % (row[0], row[3].encode(), line) for row, line in _readable(rows, for_admin)
    )


def _readable(rows: Iterable[Row], for_admin: bool) -> Iterator[tuple[Row, bytes]]:
    """What cannot be read would cut off all that comes after it."""
    for row in rows:
        try:
            line = on_the_wire(row, for_admin=for_admin)
        except (KeyError, msgspec.MsgspecError, UnicodeDecodeError):
            log.warning("event_unreadable", position=row[0], topic=row[3])
        else:
            yield row, line
