"""The parameters of a call as Telegram understands them: a value may arrive as itself or as a string of JSON."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

from ops.sandbox.errors import CHAT_ID_EMPTY, CHAT_NOT_FOUND, bad_request

Params = dict[str, Any]
NAMED_CHATS_FROM = -1_009_000_000_000
"""A public @name gets an id of its own below this one."""


class Upload(msgspec.Struct, frozen=True):
    """A file that came with a call; only its size is kept."""

    name: str
    size: int


def chat_id_in(value: object) -> int | None:
    if isinstance(value, int):
        return value or None
    if not isinstance(value, str):
        return None
    if value.startswith("@") and len(value) > 1:
        return NAMED_CHATS_FROM - zlib.crc32(value.lower().encode())
    try:
        return int(value) or None
    except ValueError:
        return None


def chat_id(params: Params, name: str = "chat_id") -> int:
    value = params.get(name)
    if value is None or value == "":
        raise bad_request(CHAT_ID_EMPTY)
    found = chat_id_in(value)
    if found is None:
        raise bad_request(CHAT_NOT_FOUND)
    return found


def text(params: Params, name: str) -> str:
    value = params.get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def integer(params: Params, name: str, default: int = 0) -> int:
    try:
        return int(params.get(name, default))
    except (TypeError, ValueError):
        return default


def number(params: Params, name: str) -> float:
    try:
        return float(params.get(name, 0.0))
    except (TypeError, ValueError):
        return 0.0


def flag(params: Params, name: str, *, default: bool = False) -> bool:
    value = params.get(name)
    if value is None:
        return default
    return value if isinstance(value, bool) else str(value).lower() in {"true", "1", "yes"}


def structure(params: Params, name: str) -> Any:
    """An object or a list, or None where there is none."""
    value = params.get(name)
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise bad_request(f"Bad Request: can't parse {name.replace('_', ' ')} JSON object") from None


def integers(params: Params, name: str) -> list[int]:
    value = structure(params, name)
    return [item for item in value if isinstance(item, int)] if isinstance(value, list) else []


def strings(params: Params, name: str) -> list[str]:
    value = structure(params, name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
