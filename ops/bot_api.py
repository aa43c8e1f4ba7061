"""Writes what aiogram knows of the Bot API's methods into `gateway/bot_api.json`: `python -m ops.bot_api`.

The gateway reads the file and never imports aiogram, whose models take seconds and 100 MB to load. A test compares the
file with the aiogram that is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from aiogram import methods
from aiogram.client.default import Default
from aiogram.types import InputFile
from pydantic import BaseModel

from gateway.parameters import FILE, Described

# The first line that fits counts: bool is an int, and an Enum of strings is a str.
KINDS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (datetime, "integer"),
    (timedelta, "integer"),
    (InputFile, "string"),  # a file_id, a URL or attach://
    (list, "list"),
    (dict, "object"),
    (BaseModel, "object"),
    (Enum, "string"),
)


def described(model: type[methods.TelegramMethod[Any]]) -> Described:
    parameters: dict[str, list[str]] = {}
    required: list[str] = []
    for field, info in model.model_fields.items():
        # Python's reserved words have another name in aiogram than on the wire.
        name = info.alias or field
        # A dict keeps the order of the annotation and drops what is said twice.
        parameters[name] = list(dict.fromkeys(_kinds(info.annotation)))
        if info.is_required():
            required.append(name)
    return Described(parameters, required)


def _kinds(annotation: object) -> Iterator[str]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _kinds(member)
    elif origin is Literal:
        for value in get_args(annotation):
            yield from _kinds(type(value))
    elif annotation not in (NoneType, Default):
        plain = origin or annotation
        fitting = (kind for base, kind in KINDS if isinstance(plain, type) and issubclass(plain, base))
        yield next(fitting, "anything")


def all_described() -> dict[str, Described]:
    """By Telegram's own name of the method."""
    exported = (getattr(methods, name) for name in methods.__all__)
    # TelegramMethod itself is exported too, and names no method.
    models = [model for model in exported if isinstance(getattr(model, "__api_method__", None), str)]
    return {model.__api_method__: described(model) for model in sorted(models, key=lambda model: model.__api_method__)}


def as_file() -> bytes:
    return msgspec.json.format(msgspec.json.encode(all_described()), indent=1) + b"\n"


if __name__ == "__main__":
    FILE.write_bytes(as_file())
