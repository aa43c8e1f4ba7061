"""What is wrong with one bot, told by its events and their times alone.

Three kinds of incident, at most one of each open at a time:

- *suspended* and *breaker* begin and end with their events.
- *unhealthy* begins with a failed command after which `domain.rules.health` says UNHEALTHY, looking back from that
  command's own time. It ends with the command after which the rule no longer says so; or, while the bot is
  silent, with the minute in which so many failures have left the window that the error rate is below the threshold
  (`over_by`). Five failures in a row never end by themselves: the bot has to deliver something.

So the end is known in advance unless something more happens, and no clock is asked. Old successes that leave the window
can raise the error rate of a silent bot; that begins nothing.
"""

from __future__ import annotations

from array import array
from typing import Any, NamedTuple

import msgspec

from domain.rules import health
from domain.rules.health import Health
from projections.health import minutes
from projections.history.figures import Kind

MINUTE_S = 60
WINDOW_MINUTES = health.WINDOW_S // MINUTE_S


class Begun(NamedTuple):
    """An incident's row without its end; `incident_id` is the position of the event that began it."""

    incident_id: int
    bot_id: int
    tenant_id: str
    kind: str
    started_at: float
    cause: str


class Changes:
    """What a batch does to the incidents."""

    def __init__(self) -> None:
        self.begun: list[Begun] = []
        self.ended: dict[int, float] = {}


class Condition(msgspec.Struct):
    """The row of one bot, its fields in the order of the table's columns."""

    bot_id: int
    tenant_id: str
    newest_minute: int = 0
    in_a_row: int = 0
    unhealthy: int | None = None
    """The open incident of each kind."""
    breaker: int | None = None
    suspended: int | None = None
    over_by: float | None = None
    """When the unhealthy one ends if nothing more happens; None: it does not end by itself."""
    minutes: array[int] = msgspec.field(default_factory=minutes.empty_ring)

    def went_well(self, at: float, changes: Changes) -> None:
        if self.unhealthy is not None:
            self._end_what_is_over(at, changes)
        self._count(at, minutes.OK)
        self.in_a_row = 0
        if self.unhealthy is not None:
            self._judge_again(at, changes)

    def all_went_well(self, minute: int, number: int) -> None:
        """So many, all in this minute, while it was not unhealthy: a success begins nothing."""
        self.in_a_row = 0
        self.newest_minute = minutes.count(self.minutes, self.newest_minute, minute, minutes.OK, number)

    def failed(self, position: int, at: float, changes: Changes) -> None:
        if self.unhealthy is not None:
            self._end_what_is_over(at, changes)
        self._count(at, minutes.FAILED)
        self.in_a_row += 1
        if self.unhealthy is not None:
            self._judge_again(at, changes)
        elif self._is_unhealthy(self.newest_minute):
            self.unhealthy = self._begins(position, Kind.UNHEALTHY, at, self._cause(), changes)
            self.over_by = self._foreseen_end()

    def shut_off(self, position: int, at: float, cause: str, changes: Changes) -> None:
        if self.breaker is None:
            self.breaker = self._begins(position, Kind.BREAKER, at, cause, changes)

    def let_go(self, at: float, changes: Changes) -> None:
        if self.breaker is not None:
            changes.ended[self.breaker] = at
            self.breaker = None

    def suspend(self, position: int, at: float, cause: str, changes: Changes) -> None:
        if self.suspended is None:
            self.suspended = self._begins(position, Kind.SUSPENDED, at, cause, changes)

    def resume(self, at: float, changes: Changes) -> None:
        if self.suspended is not None:
            changes.ended[self.suspended] = at
            self.suspended = None

    def gone(self, at: float, changes: Changes) -> None:
        """Its registration is over, and with it whatever was wrong."""
        if self.unhealthy is not None:
            self._end_what_is_over(at, changes)
        if self.unhealthy is not None:
            changes.ended[self.unhealthy] = at
        self.let_go(at, changes)
        self.resume(at, changes)

    def _count(self, at: float, which: int) -> None:
        self.newest_minute = minutes.count(self.minutes, self.newest_minute, int(at // MINUTE_S), which)

    def _end_what_is_over(self, at: float, changes: Changes) -> None:
        if self.over_by is not None and at >= self.over_by:
            self._recovers(self.over_by, changes)

    def _judge_again(self, at: float, changes: Changes) -> None:
        if self._is_unhealthy(self.newest_minute):
            self.over_by = self._foreseen_end()
        else:
            self._recovers(at, changes)

    def _recovers(self, at: float, changes: Changes) -> None:
        assert self.unhealthy is not None  # noqa: S101  only an open one ends
        changes.ended[self.unhealthy] = at
        self.unhealthy = self.over_by = None

    def _foreseen_end(self) -> float | None:
        if self.in_a_row >= health.UNHEALTHY_IN_A_ROW:
            return None
        minute = self.newest_minute
        while self._is_unhealthy(minute):
            minute += 1
        return float(minute * MINUTE_S)

    def _is_unhealthy(self, minute: int) -> bool:
        """Whether it is in this minute, with the commands that are known now."""
        rate = health.error_rate(*self._counted(minute))
        status = health.status(suspended=False, error_rate=rate, consecutive_failures=self.in_a_row)
        return status is Health.UNHEALTHY

    def _counted(self, minute: int) -> tuple[int, int]:
        return minutes.counted_after(self.minutes, self.newest_minute, minute - WINDOW_MINUTES)

    def _cause(self) -> str:
        if self.in_a_row >= health.UNHEALTHY_IN_A_ROW:
            return f"{self.in_a_row} failures in a row"
        successful, failed = self._counted(self.newest_minute)
        return f"{failed} of {successful + failed} commands failed within {WINDOW_MINUTES} minutes"

    def _begins(self, position: int, kind: Kind, at: float, cause: str, changes: Changes) -> int:
        changes.begun.append(Begun(position, self.bot_id, self.tenant_id, kind.value, at, cause))
        return position


COLUMNS = Condition.__struct_fields__


def from_row(row: tuple[Any, ...]) -> Condition:
    condition = Condition(*row)
    condition.minutes = array("I", row[-1])
    return condition
