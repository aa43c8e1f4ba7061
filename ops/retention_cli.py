"""`botloft retention …`: what a running gateway keeps, and dropping the rest now."""

from __future__ import annotations

import time
from typing import Any

import typer
from rich.console import Console

from gateway.reasons import NONE_GIVEN
from ops.asking import REFUSED, Reason, Url, asking, failed

PATH = ("admin", "system", "retention")
LOOK_S = 0.5

retention_app = typer.Typer(no_args_is_help=True, help="What a running gateway keeps, and dropping old events.")


@retention_app.command("show")
def show_command(url: Url = None) -> None:
    """Show how many days are kept, and what the last run did."""
    with asking(url) as client:
        found = client.get(*PATH)
    last = found["last_run"]
    typer.echo(f"Events are kept for {found['days']} days.")
    typer.echo("There was no run since the gateway started." if last is None else f"Last run: {_told(last)}")


@retention_app.command("run")
def run_command(reason: Reason = NONE_GIVEN, url: Url = None) -> None:
    """Summarise and drop what is older, now. It also happens by itself once a day."""
    with asking(url) as client:
        found = client.post(*PATH, reason=reason)
        if found["running"]:
            with Console(stderr=True).status("dropping old days"):
                while found["running"]:
                    time.sleep(LOOK_S)
                    found = client.get(*PATH)
    last = found["last_run"]
    if last["not_now"]:
        failed(f"Nothing was dropped: {last['not_now']}", REFUSED)
    typer.echo(_told(last))


def _told(run: dict[str, Any]) -> str:
    if run["not_now"]:
        return f"nothing was dropped at {run['at']}: {run['not_now']}"
    if not run["days"]:
        return f"nothing was older than {run['kept_from']}."
    return f"{run['events']:,} events of {run['days']} days before {run['kept_from']} were summarised and dropped."
