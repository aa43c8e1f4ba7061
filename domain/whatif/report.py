"""The answer: what was recorded, the same under today's policy as a control, and under another policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from domain.whatif import figures
from domain.whatif.answers import ASSUMED, Answers
from domain.whatif.fleet import Fleet, Recording, Replayed, Rules
from domain.whatif.policy import Policy, numbers
from domain.whatif.question import NothingThere, Question, checked
from domain.whatif.reading import WARM_UP_S, Log, counts, recorded_not_closed, recording_of
from domain.whatif.tale import End, is_flood

Spans = dict[int, list[tuple[float, float]]]
Progress = Callable[[str, float], None]
"""What is being done, and how much of it, from 0 to 1."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    commands: int
    """Counted in each column."""
    bots: int
    not_replayed: int
    """Ended by the gateway's own trouble: their recorded end stands in every column."""
    still_open: int
    """Without a recorded end: in no column."""
    also_replayed: int | None
    """Of other bots and of the two minutes before, so that the fleet is as busy as it was."""
    policy: dict[str, Any]
    """Today's, and what is other about the other one."""
    change: dict[str, Any]
    assumption: str
    recorded: figures.Column
    today: figures.Column
    other: figures.Column
    model_error: figures.Difference
    """The replay under today's policy beside the record."""
    difference: figures.Difference
    """The other policy beside today's, both replayed."""
    cannot_know: list[str]


def answered(log: Log, today: Policy, question: Question, progress: Progress = lambda _, __: None) -> Report:
    """Raises NoAnswer."""
    checked(question)
    recording, still_open = recording_of(
        log, question, today.command_deadline_s, lambda share: progress("reading the log", share)
    )
    mine = [counts(question, tale.bot_id, tale.tenant_id, tale.arrived) for tale in recording.tales]
    if not any(mine):
        raise NothingThere("The log has no command of that time and of the bots that were asked about.")
    bots = frozenset(tale.bot_id for tale, is_mine in zip(recording.tales, mine, strict=True) if is_mine)
    found, total = Answers(recording.tales), len(recording.tales)

    def replayed(rules: Rules, what: str) -> Replayed:
        return Fleet(recording, found, rules).replayed(lambda come: progress(what, come / total))

    control = replayed(Rules(today), "replaying today's policy")
    other = replayed(Rules(today, question.change, bots.__contains__), "replaying the other policy")
    return _report(question, today, recording, mine, bots, still_open, control, other)


def _report(
    question: Question,
    today: Policy,
    recording: Recording,
    mine: list[bool],
    bots: frozenset[int],
    still_open: int,
    control: Replayed,
    other: Replayed,
) -> Report:
    tales = [tale for tale, is_mine in zip(recording.tales, mine, strict=True) if is_mine]
    until_s = (question.until - question.since).total_seconds() + WARM_UP_S

    def ends(of: Replayed) -> list[End]:
        return [
            tale.end if end is None else end
            for tale, end, is_mine in zip(recording.tales, of.ends, mine, strict=True)
            if is_mine
        ]

    def column(ends: list[End], spans: Spans) -> figures.Column:
        return figures.column(tales, ends, _within(spans, bots, until_s))

    happened = [tale.end._replace(floods=sum(is_flood(one.answer) for one in tale.given)) for tale in tales]
    as_today, as_other = ends(control), ends(other)
    report = Report(
        since=question.since,
        until=question.until,
        commands=len(tales),
        bots=len(bots),
        not_replayed=sum(tale.is_ours for tale in tales),
        still_open=still_open,
        also_replayed=len(recording.tales) - len(tales),
        policy=numbers(today),
        change=question.change.given,
        assumption=ASSUMED,
        recorded=column(happened, recorded_not_closed(recording)),
        today=column(as_today, control.not_closed),
        other=column(as_other, other.not_closed),
        model_error=figures.difference(happened, as_today),
        difference=figures.difference(as_today, as_other),
        cannot_know=[],
    )
    return msgspec.structs.replace(report, cannot_know=list(_cannot_know(report, today)))


def _within(spans: Spans, bots: frozenset[int], until_s: float) -> Iterator[tuple[float, float]]:
    for bot_id in bots:
        for since, until in spans.get(bot_id, ()):
            if until > WARM_UP_S and since < until_s:
                yield max(since, WARM_UP_S), min(until, until_s)


def _cannot_know(report: Report, today: Policy) -> Iterator[str]:
    other = report.other
    if other.assumed_answers:
        yield (
            f"{other.assumed_answers:,} attempts of the other policy were never made, so Telegram never answered them. "
            f"Assumed ({ASSUMED}): what the same bot's call nearest in time got. "
            f"{other.assumed_outcomes:,} outcomes rest on that."
        )
    if other.floods:
        yield (
            f"Every recorded 429 is kept, hold and all: of the {other.floods:,} met, {other.floods_below:,} were met "
            "below the recorded rate and might not have come. A faster policy might meet 429s that nobody recorded."
        )
    yield "An answer is taken to be the same at another time: an outage that a later attempt would have missed is met."
    yield (
        f"The deadline of a plain command is not recorded: {today.command_deadline_s:g} s are taken, unless the record "
        "shows another. What was refused as overloaded is not recorded at all."
    )
    if report.not_replayed:
        yield f"{report.not_replayed:,} commands were ended by the gateway's own trouble: their recorded end is copied."
    if report.still_open:
        yield f"{report.still_open:,} commands have no recorded end yet and are in no column."
