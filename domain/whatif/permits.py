"""The fleet's pace in a replay: one permit after another, spaced evenly, in fair rounds."""

from __future__ import annotations

import math
from typing import Protocol

from domain.rules.fairness import Rounds
from domain.whatif.agenda import Agenda


class Member(Protocol):
    def __hash__(self) -> int: ...
    def permitted(self, now: float) -> None: ...


class Permits:
    __slots__ = ("_agenda", "_granting", "_interval_s", "_next_at", "_rounds")

    def __init__(self, rps: float, agenda: Agenda) -> None:
        self._interval_s = 1 / rps if rps > 0 else 0.0
        self._agenda = agenda
        self._rounds: Rounds[Member] = Rounds()
        self._next_at = -math.inf
        self._granting: float | None = None
        """When the next permit is due; None: nobody waits."""

    def take(self, member: Member, tenant_id: str, now: float) -> bool:
        if self._interval_s == 0:
            return True
        if not self._rounds and self._granting is None and now >= self._next_at:
            self._next_at = now + self._interval_s
            return True
        self._rounds.join(tenant_id, member)
        self._wait()
        return False

    def give_back(self, now: float) -> None:
        self._next_at, self._granting = now, None
        self._wait()

    def _wait(self) -> None:
        if self._granting is None and self._rounds:
            self._granting = self._next_at
            self._agenda.at(self._next_at, self._grant, self._next_at)

    def _grant(self, due: float, now: float) -> None:
        if due != self._granting:
            return  # given back meanwhile, and due at another time
        self._granting = None
        if not self._rounds:
            return
        self._next_at = now + self._interval_s
        member = self._rounds.next()
        self._wait()
        member.permitted(now)
