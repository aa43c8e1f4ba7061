"""What is known of one recorded command, and how a command ends."""

from __future__ import annotations

from typing import NamedTuple

from domain.failure import Answer, Category, Delivered, Failure, Final
from domain.methods import Method
from domain.rules.gates import Call

DONE = Delivered(b"true")
"""Telegram's own result is not in the log, and no rule looks at it."""
OWN_TROUBLE = ("store_unavailable", "shutting_down", "internal", "not_found")
"""Ends that no policy decides."""


class Given(NamedTuple):
    """One attempt and its answer."""

    answer: Answer
    left: float
    took_s: float
    again_after_s: float | None = None
    """The back-off that followed; None: no other attempt did."""


class End(NamedTuple):
    """How a command ended, recorded or replayed. Times in seconds since the range's beginning."""

    final: Final
    code: str
    at: float
    attempts: int
    waited_s: float | None
    """From its arrival to its first attempt; None: it made none."""
    floods: int = 0
    """429s it met."""
    floods_below: int = 0
    """Of these: when bot or chat were slower than the record has them."""
    assumed: int = 0
    """Attempts whose answer Telegram never gave."""


class Tale(NamedTuple):
    command_id: str
    bot_id: int
    tenant_id: str
    method: Method
    chat: str | None
    arrived: float
    repeatable: bool
    written_s: float
    """What its start took to reach the disk."""
    given: tuple[Given, ...]
    end: End
    call: Call
    """As the gates see it."""
    deadline: float
    lane: str

    @property
    def is_ours(self) -> bool:
        """It was ended by the gateway's own trouble, or by a crash: nothing to replay."""
        end = self.end
        return end.code != "" and end.attempts == 0 and (end.code in OWN_TROUBLE or end.final is Final.UNCERTAIN)

    @property
    def taken_back(self) -> float | None:
        """When it was cancelled, or ended by our trouble after an attempt: at that time it ends again, if it waits."""
        return self.end.at if self.end.code == "cancelled" or self.end.code in OWN_TROUBLE else None


def is_flood(answer: Answer) -> bool:
    return isinstance(answer, Failure) and answer.category is Category.RATE_LIMIT
