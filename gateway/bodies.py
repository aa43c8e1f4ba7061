"""Request bodies: bounded while they are read, decoded into typed structs, refused in sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.types import Receive

from gateway.problems import Problem, without_secrets

MAX_DEPTH = 64
"""Telegram's own objects nest a handful of levels; Python's and msgspec's limits lie far above this."""
NAME_SHOWN_MAX = 64
MAX_DIGITS = 18

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_object = msgspec.json.Decoder(dict[str, object]).decode

TYPES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_OUT_OF_RANGE = re.compile(r"Expected `\w+` (?P<bound>[<>]=? [\d.]+) - at `\$\.?(?P<name>[^`]*)`")
_NO_SUCH = re.compile(r"Invalid enum value '?(?P<given>.*?)'? - at `\$\.?(?P<name>[^`]*)`", re.DOTALL)
_WRONG = re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<given>[^`]+)`(?: - at `\$\.?(?P<name>[^`]*)`)?")


class Body(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a route takes. A field that it does not know is a field that would be ignored in silence."""


async def read(receive: Receive, content_length: bytes | None, limit: int) -> bytes:
    """The whole body. One that is too large is refused before it is read, or as soon as it has proved to be."""
    if content_length is not None and _number(content_length) > limit:
        raise _too_large(limit, unread=True)
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            # Half a body must not be taken for a whole one; nobody is there any more to read this.
            raise Problem("invalid_request", "The body ended before it was complete.")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        more = message.get("more_body", False)
        if size > limit:
            raise _too_large(limit, unread=more)
    if content_length is not None and size != _number(content_length):
        # The server loses the body of an Upgrade that it does not speak: no command is better than half a one.
        raise Problem("invalid_request", "The body did not arrive. Send it without an Upgrade header.")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def parameters(body: bytes) -> dict[str, object]:
    """A JSON object of anything, none deeper than `MAX_DEPTH`; an empty body is an empty object."""
    if not body:
        return {}
    try:
        found = _object(body)
    except UNREADABLE as error:
        raise Problem("invalid_request", _sentence(error)) from None
    # Most bodies have fewer brackets than they may have levels, and need no second look.
    if _has_many_brackets(body) and _is_deeper(found, MAX_DEPTH):
        raise Problem("invalid_request", f"The body is nested more than {MAX_DEPTH} levels deep.")
    return found


def decoded(body: bytes, shape: type[T]) -> T:
    """An empty body has every field at its default."""
    try:
        found = msgspec.json.decode(body or b"{}", type=shape)
    except UNREADABLE as error:
        raise Problem("invalid_request", _sentence(error)) from None
    if _has_many_brackets(body):
        # Some fields take anything.
        parameters(body)
    return found


def shaped(found: dict[str, object], shape: type[T]) -> T:
    """For a body that was read as it is: its fields, checked."""
    try:
        return msgspec.convert(found, shape)
    except msgspec.ValidationError as error:
        raise Problem("invalid_request", _sentence(error)) from None


async def of_request(request: Request, shape: type[T], limit: int) -> T:
    length = request.headers.get("content-length")
    return decoded(await read(request.receive, length.encode() if length else None, limit), shape)


def line_of(name: str, text: str, most: int, default: str = "") -> str:
    """A short text for people, on one line. What looks like a token or a key is taken out: this goes into the log."""
    stripped = text.strip() or default
    if not stripped:
        raise Problem("invalid_request", f'"{name}" must not be empty.')
    if len(stripped) > most or not stripped.isprintable():
        raise Problem("invalid_request", f'"{name}" must be one line of at most {most} characters.')
    return without_secrets(stripped)


def header_of(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _number(content_length: bytes) -> int:
    # Python refuses to read numbers of thousands of digits.
    return int(content_length[:MAX_DIGITS]) if content_length.isdigit() else 0


def _too_large(limit: int, *, unread: bool) -> Problem:
    return Problem("body_too_large", f"A body may have {limit} bytes; yours has more.", closes=unread)


def _has_many_brackets(body: bytes) -> bool:
    return body.count(b"{") + body.count(b"[") > MAX_DEPTH


def _is_deeper(value: object, levels: int) -> bool:
    layer: list[object] = [value]
    for _ in range(levels):
        layer = [below for above in layer for below in _children(above)]
        if not layer:
            return False
    return any(isinstance(value, (dict, list)) for value in layer)


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _sentence(error: Exception) -> str:
    said = str(error)
    if isinstance(error, RecursionError):
        return f"The body is nested more than {MAX_DEPTH} levels deep."
    if not isinstance(error, msgspec.ValidationError):
        return "The body is not JSON in UTF-8: it must be one JSON object, and nothing after it."
    if found := _MISSING.search(said):
        return f'The body needs the field "{shown(found["name"])}".'
    if found := _UNKNOWN.search(said):
        return f'There is no field "{shown(found["name"])}" here.'
    if found := _WRONG.search(said):
        what = f'"{shown(found["name"])}"' if found["name"] else "The body"
        return f"{what} must be {_in_words(found['expected'])}, not {_in_words(found['given'])}."
    if found := _NO_SUCH.search(said):
        return f'"{shown(found["name"])}" cannot be "{shown(found["given"])}".'
    if found := _OUT_OF_RANGE.search(said):
        return f'"{shown(found["name"])}" must be {found["bound"]}.'
    return "The body has a value that cannot be taken: a number is out of range."


def _in_words(types: str) -> str:
    return " or ".join(TYPES.get(name.strip(), name) for name in types.split("|"))


def shown(name: str) -> str:
    cut = name[:NAME_SHOWN_MAX]
    return cut if cut.isprintable() else "…"
