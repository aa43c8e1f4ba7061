"""Whether a command's parameters can be what Telegram expects: their names, their presence, their JSON types.

As lenient as Telegram's own server; what is inside an object or a list is left to Telegram. The sentences carry names
and types only: a value may be a secret or somebody's message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import NamedTuple

import msgspec

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

KINDS = {
    "integer": INTEGER,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "string": STRING,
    "list": LIST,
    "object": OBJECT,
    "anything": ANYTHING,
}


class Described(msgspec.Struct, frozen=True):
    """A method as the file has it: each parameter with the kinds it may be, and which of them must be there."""

    parameters: dict[str, list[str]]
    required: list[str] = []


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


def signature(method: str, described: Described) -> Signature:
    parameters = {name: _parameter([KINDS[kind] for kind in kinds]) for name, kinds in described.parameters.items()}
    return Signature(method, parameters, tuple(described.required))


def _parameter(kinds: list[Kind]) -> Parameter:
    written = "|".join(kind.written for kind in kinds if kind.written is not None)
    return Parameter(
        expected=_listed([kind.expected for kind in kinds], "or"),
        # Null means "not given"; whether that is allowed is the signature's to say.
        types=frozenset({NoneType}).union(*(kind.types for kind in kinds)),
        written=re.compile(written, re.ASCII | re.IGNORECASE) if written else None,
    )


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


FILE = Path(__file__).with_name("bot_api.json")
"""Made from aiogram by `python -m ops.bot_api`: importing its models takes longer than starting all the rest."""

SIGNATURES: Mapping[str, Signature] = {
    method.lower(): signature(method, described)
    for method, described in msgspec.json.decode(FILE.read_bytes(), type=dict[str, Described]).items()
}
"""By lower-cased name."""
