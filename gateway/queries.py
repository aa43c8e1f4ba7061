"""Parameters of queries and headers: what they are called, what they may be; and how the common ones are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from starlette.requests import Request

from gateway import times
from gateway.problems import Problem

MAX_DIGITS = 18
POSITION_MAX = 10**MAX_DIGITS - 1
BOT_ID: Mapping[str, Any] = {"type": "integer", "minimum": 1, "maximum": POSITION_MAX}
TEXT: Mapping[str, Any] = {"type": "string"}
TIME: Mapping[str, Any] = {"type": "string", "format": "date-time", "examples": [times.EXAMPLE]}
DAY: Mapping[str, Any] = {"type": "string", "format": "date", "examples": ["2026-07-01"]}

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    told: str
    schema: Mapping[str, Any]
    """JSON Schema."""
    place: str = "query"
    problems: tuple[str, ...] = ("invalid_request",)
    """What a value that cannot be taken ends with."""
    is_required: bool = False

    @property
    def parameter(self) -> Parameter:
        return self


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number; `default` None where leaving it out means something else than any number."""

    name: str
    told: str
    default: int | None = None
    least: int = 0
    most: int = POSITION_MAX

    @property
    def parameter(self) -> Parameter:
        schema: dict[str, Any] = {"type": "integer", "minimum": self.least, "maximum": self.most}
        if self.default is not None:
            schema["default"] = self.default
        return Parameter(self.name, self.told, schema)

    def of(self, request: Request) -> int:
        found = self.perhaps_of(request)
        return (self.default or 0) if found is None else found

    def perhaps_of(self, request: Request) -> int | None:
        text = request.query_params.get(self.name)
        return None if text is None else number_in(self.name, text, self.least, self.most)


@dataclass(frozen=True, slots=True)
class Choice(Generic[E]):
    name: str
    told: str
    choices: type[E]

    @property
    def parameter(self) -> Parameter:
        return Parameter(self.name, self.told, {"type": "string", "enum": [one.value for one in self.choices]})

    def of(self, request: Request, otherwise: E) -> E:
        found = self.perhaps_of(request)
        return otherwise if found is None else found

    def perhaps_of(self, request: Request) -> E | None:
        text = request.query_params.get(self.name)
        if text is None:
            return None
        try:
            return self.choices(text)
        except ValueError:
            raise Problem("invalid_request", f'"{self.name}" must be one of {", ".join(self.choices)}.') from None


@dataclass(frozen=True, slots=True)
class Time:
    name: str
    told: str

    @property
    def parameter(self) -> Parameter:
        return Parameter(self.name, self.told, TIME)

    def perhaps_of(self, request: Request) -> datetime | None:
        text = request.query_params.get(self.name)
        return None if text is None else time_in(self.name, text)


def time_in(name: str, text: str) -> datetime:
    """In UTC, by the one rule of `gateway/times.py`; also of a body."""
    try:
        return times.parsed(text)
    except ValueError:
        raise Problem("invalid_request", f'"{name}" must be a time like {times.EXAMPLE}.') from None


def number_in(name: str, text: str, least: int, most: int) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS and least <= int(text) <= most:
        return int(text)
    raise Problem("invalid_request", f'"{name}" must be a whole number from {least} to {most}.')


def limit_of(default: int, most: int) -> Whole:
    return Whole("limit", "How many at most.", default, least=1, most=most)
