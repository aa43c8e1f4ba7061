"""`botloft projections …`: the views of a running gateway, over its own HTTP routes.

Exit codes: 0 done, 1 refused or failed, 2 a mistake in the command itself, 3 the gateway cannot be reached.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ops.asking import REFUSED, Reason, Url, asking, failed
from ops.client import AdminClient

PATH = ("admin", "system", "projections")
LOOK_S = 0.2
STYLES = {"running": "green", "paused": "yellow", "stopped": "red", "rebuilding": "cyan"}

projections_app = typer.Typer(
    no_args_is_help=True, help="The views of a running gateway: how far they are, and a hand on them."
)
Name = Annotated[str, typer.Argument(help="a projection, as `list` names it")]


@projections_app.command("list")
def list_command(url: Url = None) -> None:
    """Show each projection: where it is, how far behind the log, what stopped it, what was skipped."""
    with asking(url) as client:
        _show(client.get(*PATH))


@projections_app.command("pause")
def pause_command(name: Name, reason: Reason, url: Url = None) -> None:
    """Stop folding events into one view until it is resumed. Nothing else waits for it."""
    with asking(url) as client:
        found = client.post(*PATH, name, "pause", reason=reason)
    typer.echo(f"{name} is paused at position {found['position']}.")


@projections_app.command("resume")
def resume_command(name: Name, url: Url = None) -> None:
    """End a pause; one that stopped by itself tries again."""
    with asking(url) as client:
        found = client.post(*PATH, name, "resume")
    typer.echo(f"{name} goes on from position {found['position']}.")


@projections_app.command("skip")
def skip_command(
    name: Name,
    position: Annotated[int, typer.Argument(help="of the event that stops it, as `list` shows it")],
    reason: Reason,
    url: Url = None,
) -> None:
    """Leave out the one event that a projection cannot fold, now and in every rebuild. This cannot be taken back."""
    with asking(url) as client:
        client.post(*PATH, name, "skip", position=position, reason=reason)
    typer.echo(f"{name} goes on without the event at position {position}.")


@projections_app.command("rebuild")
def rebuild_command(name: Name, reason: Reason, url: Url = None) -> None:
    """Fold the whole log again beside the live view, then swap it in. Ctrl-C leaves it going on in the gateway."""
    with asking(url) as client:
        client.post(*PATH, name, "rebuild", reason=reason)
        try:
            found = _followed(client, name)
        except KeyboardInterrupt:
            typer.echo("The rebuild goes on in the gateway: `botloft projections list` shows how far it is.")
            return
    if found["state"] != "done":
        failed(f"{name} was not rebuilt and stays as it was: {_stop(found['error'])}.", REFUSED)
    typer.echo(f"{name} was rebuilt from {found['done']:,} events, {found['rate_per_s']:,.0f} a second.")


def _followed(client: AdminClient, name: str) -> dict[str, Any]:
    columns = (
        TextColumn(name),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, rate="")
        while True:
            found: dict[str, Any] = client.get(*PATH)["rebuild"]
            rate = f"{found['rate_per_s']:,.0f} events/s"
            progress.update(task, completed=found["done"], total=found["total"], rate=rate)
            if found["state"] != "running":
                return found
            time.sleep(LOOK_S)


def _show(found: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("projection", "state"):
        table.add_column(column)
    for column in ("position", "behind", "lag"):
        table.add_column(column, justify="right")
    table.add_column("what there is to say", overflow="fold")
    for one in found["projections"]:
        state = one["state"]
        table.add_row(
            one["name"],
            Text(state, STYLES[state]),
            f"{one['position']:,}",
            "?" if one["events_behind"] is None else f"{one['events_behind']:,}",
            "?" if one["lag_s"] is None else f"{one['lag_s']:,.1f} s",
            Text("\n".join(_said(one))),
        )
    console = Console()
    console.print(table)
    rebuild = found["rebuild"]
    if rebuild is not None:
        end = f": {_stop(rebuild['error'])}" if rebuild["error"] else ""
        console.print(
            f"Last rebuild: {rebuild['name']}, {rebuild['state']}, {rebuild['done']:,} of {rebuild['total']:,} events, "
            f"{rebuild['rate_per_s']:,.0f} a second{end}",
            markup=False,
        )


def _said(one: dict[str, Any]) -> Iterator[str]:
    if one["error"] is not None:
        yield _stop(one["error"])
    if one["paused"] is not None:
        yield f"paused by {one['paused']['by']}: {one['paused']['reason']}"
    for skip in one["skipped"]:
        yield f"skips {skip['skipped_topic']} at position {skip['skipped_position']}, by {skip['by']}: {skip['reason']}"


def _stop(error: dict[str, Any]) -> str:
    at = "" if error["position"] is None else f"{error['topic']} at position {error['position']}: "
    return f"{at}{error['reason']}"
