"""`botloft backup` and `botloft restore`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from domain.errors import StoreError
from ops import backup as backups
from ops import settings as our_settings
from ops.asking import REFUSED, failed
from ops.clock import SystemClock
from ops.secrecy import no_core_dumps


def backup(
    directory: Annotated[Path, typer.Argument(help="a new one, for this backup alone")],
    with_key: Annotated[bool, typer.Option("--with-key", help="put master.key beside the log")] = False,
) -> None:
    """Copy the log of SQLite as it is now, beside the running gateway or without one."""
    os.umask(0o077)
    try:
        with Console(stderr=True).status("copying the log"):
            found = backups.backed_up(our_settings.load(), directory, with_key=with_key)
    except (StoreError, our_settings.BadSettings) as error:
        failed(str(error), REFUSED)
    typer.echo(f"{directory / backups.LOG}: the log up to position {found.position:,}.")
    if with_key:
        typer.echo("Its master key lies beside it: whoever has this directory can use every bot.")
    elif found.key_ids:
        named = " and ".join(found.key_ids)
        typer.echo(f"THE MASTER KEY IS NOT IN IT ({named}). Keep a copy elsewhere: without it no token can be read.")


def restore(
    directory: Annotated[
        Path | None, typer.Argument(help="of `botloft backup`; leave it out where the database's own tools did it")
    ] = None,
    reason: Annotated[str, typer.Option(help="why, for the record")] = "botloft restore",
) -> None:
    """Put a log back, while no gateway runs. What it has open ends as `uncertain`: it may have been done since."""
    no_core_dumps()
    os.umask(0o077)
    try:
        found = backups.restored(our_settings.load(), directory, SystemClock().utc(), reason)
    except (StoreError, our_settings.BadSettings) as error:
        failed(str(error), REFUSED)
    until = f", {found.until:%Y-%m-%d %H:%M:%S} UTC" if found.until else ""
    typer.echo(f"The log is back up to position {found.position:,}{until}. Nobody knows what was sent after that.")
    typer.echo(f"Open commands that ended as uncertain: {found.uncertain:,}. Views are made again at the next start.")
