"""A day of a real fleet of actors on simulated time, and what its log says afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from domain.store.mapper import Recorded
from domain.whatif.policy import Change, Policy
from domain.whatif.question import Question
from domain.whatif.report import Report, answered
from tests.examples import NOON


class MemoryLog:
    def __init__(self, log: Sequence[Recorded]) -> None:
        self._log = log

    def read(self, after: int, limit: int) -> Sequence[Recorded]:
        return self._log[after : after + limit]

    def stream(self, stream: str) -> Sequence[Recorded]:
        return [recorded for recorded in self._log if recorded.stream == stream]

    def head(self) -> int:
        return len(self._log)


def asked(log: Sequence[Recorded], today: Policy, seconds: float = 3600.0, **change: object) -> Report:
    """Of the time from noon on."""
    question = Question(since=NOON, until=NOON + timedelta(seconds=seconds), change=Change(**change))
    return answered(MemoryLog(log), today, question)
