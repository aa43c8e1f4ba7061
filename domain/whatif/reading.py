"""A time range of the log as a recording: its commands, and the lives of its bots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from domain import bot as lives
from domain import events
from domain.bot import Bot, Identity
from domain.store.mapper import Recorded
from domain.streams import bot_stream
from domain.whatif.fleet import Happened, Life, Recording, in_order
from domain.whatif.question import NothingThere, Question, TooMuch
from domain.whatif.tales import Tales

BATCH = 2000
WARM_UP_S = 120.0
"""Replayed before the range and not counted: breakers, pace and queues are not as new when it begins."""
OUT_OF_ORDER_S = 5.0
"""Events of one moment stand in the log in the order in which they were written."""
END_WITHIN_S = 5.0
OPEN_AT_MOST_S = 3700.0
"""The longest deadline, and a little."""


class Log(Protocol):
    def readable(self, after: int, limit: int) -> Sequence[Recorded]: ...
    def stream(self, stream: str) -> Sequence[Recorded]: ...
    def head(self) -> int: ...


def recording_of(
    log: Log, question: Question, deadline_s: float, progress: Callable[[float], None]
) -> tuple[Recording, int]:
    """The range with its warm-up, and how many commands of it have no end yet. `progress` from 0 to 1.

    Raises NothingThere and TooMuch.
    """
    since = question.since - timedelta(seconds=WARM_UP_S)
    tales = Tales(since, question.until, deadline_s)
    position = position_before(log, since - timedelta(seconds=OUT_OF_ORDER_S))
    ends_by = question.until + timedelta(seconds=deadline_s + END_WITHIN_S)
    last = question.until + timedelta(seconds=OPEN_AT_MOST_S)
    length_s = (ends_by - since).total_seconds()
    while batch := log.readable(position, BATCH):
        position, at = batch[-1].position, batch[-1].event.occurred_at
        for recorded in batch:
            tales.see(recorded.event)
        if len(tales.found) > question.max_commands:
            raise TooMuch("The range has more commands than are replayed at once. Ask for a shorter one.")
        progress(min(max((at - since).total_seconds() / length_s, 0.0), 1.0))
        if at > last or (at > ends_by and not tales.still_open()):
            break
    if not tales.found:
        raise NothingThere("The log has no command of that time.")
    found = in_order(tales.found)
    tenants = {tale.bot_id: tale.tenant_id for tale in found}
    lives_of = {bot_id: life_of(log, bot_id, tenant, since) for bot_id, tenant in tenants.items()}
    still_open = sum(
        counts(question, event.bot_id, event.tenant_id, tales.seconds(event.received_at))
        for event in tales.still_open()
    )
    return Recording(found, lives_of), still_open


def position_before(log: Log, when: datetime) -> int:
    """A position that every event since then comes after: the log grows with time, so halving finds it."""
    before, behind = 0, log.head()
    while before < behind:
        middle = (before + behind) // 2
        found = log.readable(middle, 1)
        if not found or found[0].event.occurred_at >= when:
            behind = middle
        else:
            before = found[0].position
    return before


def life_of(log: Log, bot_id: int, tenant_id: str, since: datetime) -> Life:
    """The bot at the beginning of the range, and what happened to it from then on."""
    bot, happened, before = Bot(bot_id), list[Happened](), None
    for recorded in log.stream(bot_stream(bot_id)):
        event = recorded.event
        at = (event.occurred_at - since).total_seconds()
        if at < 0:
            bot = lives.evolve(bot, event)
        else:
            happened.append(Happened(at, event, is_reset=_is_reset(event, before)))
        before = event if isinstance(event, _PHASES) else before
    if not bot.version and not happened:
        # Its history is not here, but it took commands.
        bot = Bot(bot_id, owner=Identity(tenant_id, "", "", b"", ""))
    opened = bot.breaker_open_until
    return Life(bot, (opened - since).total_seconds() if opened else 0.0, tuple(happened))


_CLOSING = (events.BreakerClosed, events.BotRemoved, events.BotRegistered)
_PHASES = (events.BreakerOpened, events.BreakerHalfOpened, events.BreakerClosed, events.BreakerForced)


def _is_reset(event: events.Event, before: events.Event | None) -> bool:
    """By an admin, or by a token that works after all; probes close a breaker that is half-open."""
    return isinstance(event, events.BreakerClosed) and (
        event.reason != "" or not isinstance(before, events.BreakerHalfOpened)
    )


def recorded_not_closed(recording: Recording) -> dict[int, list[tuple[float, float]]]:
    """When each bot's breaker was not closed, by its own events."""
    found: dict[int, list[tuple[float, float]]] = {}
    for bot_id, life in recording.lives.items():
        bot, spans = life.bot, found.setdefault(bot_id, [])
        since = 0.0 if bot.breaker_forced or life.open_until > 0 else None
        for at, event, _ in life.happened:
            bot = lives.evolve(bot, event)
            if isinstance(event, _CLOSING) and not bot.breaker_forced:
                if since is not None:
                    spans.append((since, at))
                since = None
            elif isinstance(event, _PHASES) and since is None:
                since = at
        if since is not None:
            spans.append((since, float("inf")))
    return found


def counts(question: Question, bot_id: int, tenant_id: str, arrived: float) -> bool:
    """Whether a command came in the range, not before it, and is of those that were asked about."""
    return arrived >= WARM_UP_S and question.bot_id in (None, bot_id) and question.tenant_id in (None, tenant_id)
