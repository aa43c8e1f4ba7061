"""Whether a command's parameters can be what Telegram expects: their names, their presence, their JSON types.

Read once from aiogram's models and as lenient as Telegram's own server; what is inside an object or a list is left to
Telegram. The sentences carry names and types only: a value may be a secret or somebody's message.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from aiogram import methods
from aiogram.client.default import Default
from aiogram.types import InputFile
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NAME_SHOWN_MAX = 64
"""How much of a name that we do not know is repeated to its sender."""


class Kind(NamedTuple):
    expected: str
    types: frozenset[type]
    written: str | None = None
    """The strings that Telegram reads as this kind, as a pattern; form fields are always strings."""


# "++" and "*+" never go back: a megabyte of digits is read once, whatever follows it.
INTEGER = Kind("an integer", frozenset({int}), r"[+-]?\d++\Z")
NUMBER = Kind("a number", frozenset({int, float}), r"[+-]?(\d++(\.\d*+)?|\.\d++)(e[+-]?\d++)?\Z")
BOOLEAN = Kind("a boolean", frozenset({bool}), r"(true|false)\Z")
STRING = Kind("a string", frozenset({str}))
LIST = Kind("a list", frozenset({list}), r"\s*+\[")
OBJECT = Kind("an object", frozenset({dict}), r"\s*+\{")
ANYTHING = Kind("anything", frozenset({int, float, bool, str, list, dict}))

# The first line that fits counts: bool is an int, and an Enum of strings is a str.
KINDS: tuple[tuple[type, Kind], ...] = (
    (bool, BOOLEAN),
    (int, INTEGER),
    (float, NUMBER),
    (str, STRING),
    (datetime, INTEGER),
    (timedelta, INTEGER),
    (InputFile, STRING),  # a file_id, a URL or attach://
    (list, LIST),
    (dict, OBJECT),
    (BaseModel, OBJECT),
    (Enum, STRING),
)

GIVEN: Mapping[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


class Parameter(NamedTuple):
    expected: str
    types: frozenset[type]
    written: re.Pattern[str] | None


class Signature(NamedTuple):
    method: str
    parameters: dict[str, Parameter]
    required: tuple[str, ...]


def check(method: str, parameters: dict[str, object]) -> str | None:
    """Say what is wrong, in one sentence for the person who wrote it; None when Telegram may judge the rest."""
    signature = SIGNATURES.get(method.lower())
    if signature is None:
        return _no_such("The Bot API", "method", method, {name: s.method for name, s in SIGNATURES.items()})
    return fault(signature, parameters)


def fault(signature: Signature, parameters: dict[str, object]) -> str | None:
    known = signature.parameters
    for name, value in parameters.items():
        parameter = known.get(name)
        if parameter is None:
            return _no_such(signature.method, "parameter", name, {name: name for name in known})
        if type(value) in parameter.types or (type(value) is str and _is_written(parameter, value)):
            continue
        given = GIVEN.get(type(value), "a value that JSON does not have")
        return f'"{name}" of {signature.method} must be {parameter.expected}, not {given}.'
    for name in signature.required:
        if parameters.get(name) is None:
            return _missing(signature, parameters)
    return None


def signature_of(model: type[methods.TelegramMethod[Any]]) -> Signature:
    parameters: dict[str, Parameter] = {}
    required: list[str] = []
    for field, info in model.model_fields.items():
        # Python's reserved words have another name in aiogram than on the wire.
        name = info.alias or field
        parameters[name] = _parameter(info.annotation)
        if info.is_required():
            required.append(name)
    return Signature(model.__api_method__, parameters, tuple(required))


def _parameter(annotation: object) -> Parameter:
    # A dict keeps the order of the annotation and drops what is said twice.
    kinds = tuple(dict.fromkeys(_kinds(annotation)))
    written = "|".join(kind.written for kind in kinds if kind.written is not None)
    return Parameter(
        expected=_listed([kind.expected for kind in kinds], "or"),
        # Null means "not given"; whether that is allowed is the signature's to say.
        types=frozenset({NoneType}).union(*(kind.types for kind in kinds)),
        written=re.compile(written, re.ASCII | re.IGNORECASE) if written else None,
    )


def _kinds(annotation: object) -> Iterator[Kind]:
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
        yield next(fitting, ANYTHING)


def _is_written(parameter: Parameter, value: str) -> bool:
    return parameter.written is not None and parameter.written.match(value) is not None


def _missing(signature: Signature, parameters: dict[str, object]) -> str:
    names = [f'"{name}"' for name in signature.required if parameters.get(name) is None]
    noun = "parameter" if len(names) == 1 else "parameters"
    return f"{signature.method} needs the {noun} {_listed(names, 'and')}."


def _no_such(owner: str, noun: str, name: str, known: dict[str, str]) -> str:
    # Cut first: looking for a likeness takes time in proportion to the name.
    shown = name[:NAME_SHOWN_MAX]
    if not shown.isprintable():
        return f"{owner} has no {noun} of the name that was given."
    near = get_close_matches(shown.lower(), known, n=1)
    return f'{owner} has no {noun} "{shown}"' + (f'; did you mean "{known[near[0]]}"?' if near else ".")


def _listed(words: Iterable[str], conjunction: str) -> str:
    *others, last = words
    return f"{', '.join(others)} {conjunction} {last}" if others else last


def _models() -> Iterator[type[methods.TelegramMethod[Any]]]:
    for exported in methods.__all__:
        model = getattr(methods, exported)
        # TelegramMethod itself is exported too, and names no method.
        if isinstance(getattr(model, "__api_method__", None), str):
            yield model


SIGNATURES: Mapping[str, Signature] = {model.__api_method__.lower(): signature_of(model) for model in _models()}
"""By lower-cased name."""
