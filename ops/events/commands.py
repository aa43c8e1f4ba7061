"""The commands `botloft events tail` and `botloft events export`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ops.asking import REFUSED, Url, failed, trouble_said
from ops.events import export as exporting
from ops.events.gateway import Cut, from_environment
from ops.events.tail import follow, shown

app = typer.Typer(
    no_args_is_help=True,
    help="The event log of a running gateway. The key comes from BOTLOFT_KEY, else from BOTLOFT_ADMIN_KEY.",
)


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


Bots = Annotated[list[int] | None, typer.Option("--bot", help="only of this bot; may be given several times")]
Topics = Annotated[str | None, typer.Option(help="only these, with commas between them")]
Tenant = Annotated[str | None, typer.Option(help="only of this tenant")]


@app.command("tail")
def tail(
    *,
    bot: Bots = None,
    topics: Topics = None,
    tenant: Tenant = None,
    after: Annotated[int | None, typer.Option(help="from after this position on; else from now on")] = None,
    json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
    url: Url = None,
) -> None:
    """Show events as they happen, until Ctrl-C."""
    query = _query(bot, topics, tenant, after=None if after is None else str(after))
    try:
        with trouble_said():
            for line in follow(from_environment(url), query, lambda why: typer.echo(f"{why} Trying again.", err=True)):
                typer.echo(line.decode() if json else shown(line))
                sys.stdout.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        raise typer.Exit(0) from None


@app.command("export")
def export(
    *,
    out: Annotated[Path, typer.Option(help="the file to make")],
    format: Annotated[Format, typer.Option(help="parquet takes the extra `analysis`")] = Format.NDJSON,  # noqa: A002
    since: Annotated[str | None, typer.Option("--from", help="a time or a day, ISO 8601, UTC")] = None,
    before: Annotated[str | None, typer.Option("--to", help="up to but without this time")] = None,
    bot: Bots = None,
    topics: Topics = None,
    tenant: Tenant = None,
    url: Url = None,
) -> None:
    """Write events into a file. One that was interrupted is gone on with by the same command."""
    query = _query(bot, topics, tenant, **{"from": since, "to": before})
    try:
        with trouble_said():
            gateway = from_environment(url)
            with _Bar() as bar:
                made = exporting.export(gateway, query, out, format.value, bar.show)
    except Cut as cut:
        failed(f"{cut}\nGive the same command again: it goes on where it stopped.", REFUSED)
    size_mb = made.path.stat().st_size / 1e6
    typer.echo(f"{made.path}: {size_mb:,.1f} MB, {made.events:,} events fetched at {bar.rate:,.0f}/s", err=True)


class _Bar:
    """By positions, of which only those that match are fetched."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("events"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[events]:,} ({task.fields[rate]:,.0f}/s)"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("events", total=None, events=0, rate=0.0)
        self._first: int | None = None
        self.rate = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, at: exporting.Progress) -> None:
        elapsed = self._progress.tasks[0].elapsed
        self.rate = at.events / elapsed if elapsed else 0.0
        self._progress.update(self._task, total=at.until, completed=at.position, events=at.events, rate=self.rate)


def _query(bots: list[int] | None, topics: str | None, tenant: str | None, **more: str | None) -> dict[str, str]:
    named = {"bot_id": ",".join(map(str, bots or ())), "topics": topics, "tenant_id": tenant, **more}
    return {name: value for name, value in named.items() if value}
