"""A question on its way to a process of its own, and the answer on its way back. Both are one JSON object."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from domain.whatif.policy import Policy
from domain.whatif.question import Nonsense, NothingThere, Question, TooMuch
from domain.whatif.report import Report

KINDS = {kind.__name__: kind for kind in (Nonsense, NothingThere, TooMuch)}


class Job(msgspec.Struct, frozen=True):
    database_url: str
    """Told on standard input alone: there may be a password in it."""
    today: Policy
    question: Question

    def __repr__(self) -> str:
        return f"Job({self.question})"

    def __rich_repr__(self) -> Iterator[Question]:  # type: ignore[override]  # msgspec's own shows every field
        yield self.question


class Refused(msgspec.Struct, frozen=True):
    kind: str
    sentence: str


class Done(msgspec.Struct, frozen=True):
    """One of the two."""

    report: Report | None = None
    refused: Refused | None = None
