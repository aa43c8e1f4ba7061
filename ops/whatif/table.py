"""A report as a table of three columns, and in sentences what it cannot know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from domain.whatif.figures import Column, Difference, Quantiles
from domain.whatif.report import Report

NONE = "-"
ROWS: tuple[tuple[str, Callable[[Column], str]], ...] = (
    ("delivered", lambda column: f"{column.outcomes['delivered']:,}"),
    ("rejected", lambda column: f"{column.outcomes['rejected']:,}"),
    ("uncertain", lambda column: f"{column.outcomes['uncertain']:,}"),
    ("not sent", lambda column: f"{column.outcomes['not_sent']:,}"),
    ("attempts", lambda column: f"{column.attempts:,}"),
    ("of these, retries", lambda column: f"{column.retries:,}"),
    ("429s met", lambda column: f"{column.floods:,}"),
    ("of these, below the recorded rate", lambda column: f"{column.floods_below:,}"),
    ("breaker: times opened", lambda column: f"{column.breaker_openings:,}"),
    ("breaker: not closed", lambda column: f"{column.breaker_open_s:,.1f} s"),
    ("waited, p50 / p99", lambda column: _both(column.waited_ms, "ms")),
    ("delivered after, p50 / p99", lambda column: _both(column.delivered_after_ms, "ms")),
    ("outcomes on an assumed answer", lambda column: f"{column.assumed_outcomes:,}"),
)
DIFFERENCES: tuple[tuple[str, Callable[[Difference], str]], ...] = (
    ("delivered later, by p50 / p99", lambda found: _how_many(found.later, found.later_by_s)),
    ("delivered sooner, by p50 / p99", lambda found: _how_many(found.sooner, found.sooner_by_s)),
    ("outcomes changed", lambda found: f"{sum(found.outcomes_changed.values()):,}"),
)


def shown(report: Report) -> Group:
    change = ", ".join(f"{name} {_value(report.policy[name])} → {_value(new)}" for name, new in report.change.items())
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"{report.commands:,} commands of {report.bots:,} bots, {report.since:%Y-%m-%d %H:%M:%S} to "
        f"{report.until:%Y-%m-%d %H:%M:%S} UTC\n{change}",
        title_justify="left",
    )
    table.add_column("")
    for name in ("recorded", "today's policy, replayed", "the other policy, replayed"):
        table.add_column(name, justify="right")
    for name, told in ROWS:
        table.add_row(name, told(report.recorded), told(report.today), told(report.other))
    for name, value in _because(report):
        table.add_row(name, *value)
    table.add_section()
    for name, differs in DIFFERENCES:
        table.add_row(name, NONE, differs(report.model_error), differs(report.difference))
    notes = [*_changes(report), _CAPTION, *report.cannot_know]
    return Group(table, *(Text(f"  {note}") for note in notes))


_CAPTION = (
    "Later, sooner, changed: today's policy beside the record (the error of the model, or of a policy that was another "
    "then), the other policy beside today's."
)


def _because(report: Report) -> Iterator[tuple[str, tuple[str, ...]]]:
    columns = (report.recorded, report.today, report.other)
    for code in dict.fromkeys(code for column in columns for code in column.not_sent_because):
        yield f"not sent: {code}", tuple(f"{column.not_sent_because.get(code, 0):,}" for column in columns)


def _changes(report: Report) -> Iterator[str]:
    changes = report.difference.outcomes_changed
    if changes:
        told = "; ".join(f"{many:,} {change.replace(', ', ' → ')}" for change, many in changes.items())
        yield f"From today's policy to the other: {told}."


def _both(found: Quantiles, unit: str) -> str:
    return NONE if found.p50 is None else f"{found.p50:,.0f} / {found.p99:,.0f} {unit}"


def _how_many(count: int, by_s: Quantiles) -> str:
    return f"{count:,}" if by_s.p50 is None else f"{count:,}, by {by_s.p50:,.2f} / {by_s.p99:,.2f} s"


def _value(value: Any) -> str:
    return "by category" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
