"""What Telegram's answer to `getMe` says about a token: one table, and what to do about each of its words."""

from __future__ import annotations

from enum import StrEnum

from domain.failure import Category, Failure

DAY_S = 86_400.0


class Verdict(StrEnum):
    VALID = "VALID"
    INVALID_FORMAT = "INVALID_FORMAT"
    UNAUTHORIZED = "UNAUTHORIZED"
    NETWORK_ERROR = "NETWORK_ERROR"
    TIMEOUT = "TIMEOUT"
    REVOKED = "REVOKED"
    UNKNOWN_ERROR = "UNKNOWN_ERROR"


class Why(StrEnum):
    """A token was looked at."""

    REGISTRATION = "registration"
    DAILY = "daily"
    ASKED = "asked"
    AFTER_401 = "after_401"
    BEFORE_CHANGE = "before_change"


class Word(StrEnum):
    """What there is to judge by, where it is no failure that has a category."""

    MALFORMED = "no token by its form: Telegram was not asked"
    ITSELF = "the bot that the token names"
    ANOTHER = "another bot, or nothing that can be read"
    TIMED_OUT = "no answer in time"


VERDICTS: dict[Word | Category, tuple[Verdict, Verdict]] = {
    # Of a token that is new here, and of one that has worked before.
    Word.MALFORMED: (Verdict.INVALID_FORMAT, Verdict.INVALID_FORMAT),
    Word.ITSELF: (Verdict.VALID, Verdict.VALID),
    Word.ANOTHER: (Verdict.UNKNOWN_ERROR, Verdict.UNKNOWN_ERROR),
    Word.TIMED_OUT: (Verdict.TIMEOUT, Verdict.TIMEOUT),
    Category.UNAUTHORIZED: (Verdict.UNAUTHORIZED, Verdict.REVOKED),
    # Telegram is said to answer 404 to what it never took for a token. Of one that worked it says that something else
    # is wrong, its own address for a start, and that must not suspend a whole fleet.
    Category.PERMANENT: (Verdict.UNAUTHORIZED, Verdict.UNKNOWN_ERROR),
    Category.UNREACHABLE: (Verdict.NETWORK_ERROR, Verdict.NETWORK_ERROR),
    Category.AMBIGUOUS: (Verdict.NETWORK_ERROR, Verdict.NETWORK_ERROR),
    Category.SERVER_ERROR: (Verdict.UNKNOWN_ERROR, Verdict.UNKNOWN_ERROR),
    Category.RATE_LIMIT: (Verdict.UNKNOWN_ERROR, Verdict.UNKNOWN_ERROR),
    Category.MIGRATED: (Verdict.UNKNOWN_ERROR, Verdict.UNKNOWN_ERROR),
    Category.UNKNOWN: (Verdict.UNKNOWN_ERROR, Verdict.UNKNOWN_ERROR),
}

CONCLUSIVE = (Verdict.VALID, Verdict.REVOKED)
"""Of the token of a bot that is here. Nothing follows from the others but that it is asked again."""

ADVICE: dict[Verdict, str] = {
    Verdict.VALID: "Nothing is to be done.",
    Verdict.INVALID_FORMAT: "Copy the token whole from @BotFather: a number, a colon, and letters and digits.",
    Verdict.UNAUTHORIZED: "Telegram does not know it. Copy it again from @BotFather, whole and unchanged.",
    Verdict.NETWORK_ERROR: "Telegram could not be reached; ask again in a while.",
    Verdict.TIMEOUT: "Telegram did not answer in time; ask again in a while.",
    Verdict.REVOKED: "Take the bot's current token from @BotFather and PUT it to /api/bots/{bot_id}/token.",
    Verdict.UNKNOWN_ERROR: "Telegram gave no answer that says anything about the token; ask again in a while.",
}


def verdict(said: Word | Failure, *, was_valid: bool) -> Verdict:
    """`was_valid`: it has worked before."""
    if isinstance(said, Word):
        return VERDICTS[said][was_valid]
    return VERDICTS[Word.TIMED_OUT if said.timed_out else said.category][was_valid]


def is_due(validated_at: float, now: float) -> bool:
    """A day after the last time, in unix seconds. A time that is still to come was told by a clock that was wrong."""
    return not 0 <= now - validated_at < DAY_S


def spacing_s(bots: int, most_rps: float) -> float:
    """Between two tokens, so that a day's are spread over the day with some time to spare."""
    return max(1 / most_rps, 0.9 * DAY_S / max(bots, 1))
