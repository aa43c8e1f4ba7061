"""What is asked of a replay, and why it may have no answer."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.whatif.policy import Change


class NoAnswer(Exception):
    """A sentence for whoever asked."""


class Nonsense(NoAnswer):
    """No log could answer it."""


class NothingThere(NoAnswer):
    """The log has no command of that time, or none that was asked about."""


class TooMuch(NoAnswer):
    """More commands than may be replayed at once."""


class Busy(NoAnswer):
    """Another question is being answered."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`bot_id` and `tenant_id`: whose policy is another, and whose commands are counted; None: everybody's."""

    since: datetime
    until: datetime
    change: Change
    bot_id: int | None = None
    tenant_id: str | None = None
    max_commands: int = 200_000
    """Of the whole fleet, in the range and before it."""


def checked(question: Question) -> Question:
    if question.since >= question.until:
        raise Nonsense('The range is empty: "from" must be before "to".')
    if not question.change.given:
        raise Nonsense("The other policy is today's: change a number of it.")
    return question
