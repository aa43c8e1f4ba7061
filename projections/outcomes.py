"""What an ended command counts as: the same in every projection."""

from __future__ import annotations

from enum import IntEnum

from domain import events
from domain.failure import TREATMENT


class CountedAs(IntEnum):
    """The first three are requests; what we refused ourselves is none."""

    SUCCESSFUL = 0
    FAILED = 1
    REJECTED = 2
    NOT_SENT = 3


_UNLESS_A_FAILURE: dict[type[events.Failed], CountedAs] = {
    events.CommandRejected: CountedAs.REJECTED,
    # Our own refusal: Telegram was not asked, so it says nothing about the bot.
    events.CommandNotSent: CountedAs.NOT_SENT,
    events.CommandUncertain: CountedAs.FAILED,
}


def counted_as(event: events.Failed) -> CountedAs:
    if event.category is not None and TREATMENT[event.category].is_failure:
        return CountedAs.FAILED
    return _UNLESS_A_FAILURE[type(event)]
