"""What admins did, newest first, from the log itself: no view of it can be paused, rebuilt or thrown away.

The streams of acts are named after their days, so the log's own index of streams is the one that this needs.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from domain import streams
from domain.events import AdminActed, AdminActRefused
from domain.store.ledger import Ledger
from domain.store.mapper import Recorded

PIECE = 500
LOOK = 10_000
"""Events that one question goes through; then it says where to go on."""
BEHIND_ALL = "~"
NO_VERSION = 2**62


class NoSuchAct(Exception):
    """The position is not that of an act."""


class Wanted(NamedTuple):
    """None: all of them."""

    limit: int
    action: str | None = None
    """Or the subject in front of its dot: `projection`."""
    target: str | None = None
    by: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not at this moment any more."""
    before: int | None = None
    """A position, of the act that the page before ended with."""


class ActOnRecord(msgspec.Struct, frozen=True):
    position: int
    at: datetime
    action: str
    target: str
    by: str
    client: str
    reason: str
    refused: str | None
    """The code of the problem for which it was not done."""


class Page(NamedTuple):
    acts: list[ActOnRecord]
    next: int | None


def newest_acts(ledger: Ledger, wanted: Wanted) -> Page:
    """Blocks. Raises NoSuchAct and StoreError."""
    first = streams.ADMINS if wanted.since is None else streams.admin_stream(wanted.since)
    last = streams.ADMINS + BEHIND_ALL if wanted.until is None else streams.admin_stream(wanted.until)
    place, refused = (last, NO_VERSION), dict[int, str]()
    if wanted.before is not None:
        end = _act_at(ledger, wanted.before)
        place = min(place, (end.stream, end.version))
        # A refusal comes later than its act: it may be on the page before.
        refused = _refusals(ledger.stream(end.stream, end.version))
    acts: list[ActOnRecord] = []
    looked_at = 0
    while looked_at < LOOK:
        found = ledger.back(first, place, PIECE)
        refused |= _refusals(found)
        for one in found:
            if isinstance(one.event, AdminActed) and _fits(wanted, one.event):
                if len(acts) == wanted.limit:
                    return Page(acts, acts[-1].position)
                acts.append(_told(one.position, one.event, refused.get(one.position)))
        if len(found) < PIECE:
            return Page(acts, None)
        looked_at += len(found)
        place = (found[-1].stream, found[-1].version)
    return Page(acts, found[-1].position)


def _act_at(ledger: Ledger, position: int) -> Recorded:
    found = ledger.at(position)
    if found is None or not found.stream.startswith(streams.ADMINS):
        raise NoSuchAct
    return found


def _refusals(found: list[Recorded]) -> dict[int, str]:
    return {one.event.act_position: one.event.code for one in found if isinstance(one.event, AdminActRefused)}


def _fits(wanted: Wanted, act: AdminActed) -> bool:
    return (
        wanted.action in (None, act.action, act.action.partition(".")[0])
        and wanted.target in (None, act.target)
        and wanted.by in (None, act.by)
        and (wanted.since is None or act.occurred_at >= wanted.since)
        and (wanted.until is None or act.occurred_at < wanted.until)
    )


def _told(position: int, act: AdminActed, refused: str | None) -> ActOnRecord:
    return ActOnRecord(position, act.occurred_at, act.action, act.target, act.by, act.client, act.reason, refused)
