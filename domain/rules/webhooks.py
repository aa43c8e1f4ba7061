"""What `getWebhookInfo` says about a webhook, what the two conflicts of getUpdates mean, and how long to wait."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

POLL_BASE_S, POLL_CAP_S = 1.0, 60.0
RIVAL_BASE_S, RIVAL_CAP_S = 60.0, 3600.0
RELAPSES_MAX = 4


class Info(NamedTuple):
    """Telegram's word on a bot's webhook, as far as it is looked at."""

    url: str
    pending: int
    last_error_at: int | None
    """Unix seconds, by Telegram's clock."""
    allowed: frozenset[str] = frozenset()
    """The kinds of updates that it brings; empty: the usual ones."""
    has_certificate: bool = False

    def is_set_as(self, wanted: Info) -> bool:
        """Whether Telegram knows what it was to be told."""
        return self._replace(pending=0, last_error_at=None) == wanted._replace(pending=0, last_error_at=None)


class Verdict(StrEnum):
    WELL = "well"
    DARK = "dark"
    STOLEN = "stolen"
    GONE = "gone"


def judged(info: Info, before: Info | None, *, is_ours: bool, came: bool) -> Verdict:
    """`before`: at the look before this one. `came`: an update has come through it since then.

    The first look, which has none before it, blames nobody for the past. Dark is a webhook that has failed anew while
    updates wait, and brought none meanwhile. Telegram tries again every minute or two, so a broken one has a new error
    at each look, and its clock need not be ours.
    """
    if not info.url:
        return Verdict.GONE
    if not is_ours:
        return Verdict.STOLEN
    failed_anew = before is not None and info.last_error_at not in (None, before.last_error_at)
    return Verdict.DARK if failed_anew and info.pending and not came else Verdict.WELL


class Conflict(StrEnum):
    WEBHOOK = "a webhook is set"
    RIVAL = "somebody else polls"


def conflict_in(description: str) -> Conflict:
    """Of a 409 to getUpdates."""
    return Conflict.RIVAL if "terminated by other getupdates" in description.lower() else Conflict.WEBHOOK


def pause_s(failures: int, jitter: float) -> float:
    """After so many failures in a row: 1 s, doubling to 60, less a part of it so that not all come at once."""
    return min(POLL_CAP_S, POLL_BASE_S * 2.0 ** min(failures - 1, 20)) * (1 - jitter / 2)


def rival_pause_s(rivals: int) -> float:
    """1, 2, 4 minutes, up to an hour."""
    return float(min(RIVAL_CAP_S, RIVAL_BASE_S * 2.0 ** min(rivals - 1, 20)))


def beats_of_polling(beats: int, relapses: int) -> int:
    """Until the webhook is tried again: longer after each time that it only seemed to work."""
    return beats << min(relapses, RELAPSES_MAX)
