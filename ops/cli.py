"""The command line. Each group of commands has a file of its own; here are those that run the gateway."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from datetime import datetime
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from domain.errors import StoreError
from ops import keys, logs, settings
from ops.backup_cli import backup, restore
from ops.clock import SystemClock
from ops.events.commands import app as events_app
from ops.projections_cli import projections_app
from ops.replay_cli import replay
from ops.retention_cli import retention_app
from ops.secrecy import no_core_dumps
from ops.serving import CannotListen, serve
from ops.steward import FleetFailed
from ops.vault_cli import vault_app
from ops.whatif.command import whatif
from ops.wiring import Loft

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and those may be secret
    help="Runs many tenants' Telegram bots behind one HTTP gateway.",
)
keys_app = typer.Typer(
    no_args_is_help=True, help="API keys, while the gateway is stopped: for an operator who lost his."
)
app.add_typer(keys_app, name="keys")
app.add_typer(projections_app, name="projections")
app.add_typer(retention_app, name="retention")
app.add_typer(vault_app, name="vault")
app.command("replay")(replay)
app.add_typer(events_app, name="events")
app.command("whatif")(whatif)
app.command("backup")(backup)
app.command("restore")(restore)


@app.command("serve")
def serve_command() -> None:
    """Run the gateway with the settings of the environment until SIGTERM or Ctrl-C."""
    logs.configure()
    no_core_dumps()
    # Databases, locks and keys are for their owner alone.
    os.umask(0o077)
    _run(serve(_settings(), _announce))


@app.command("migrate")
def migrate_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
) -> None:
    """Make the tables of the event store, or bring them up to date; do it before the first start on PostgreSQL."""
    os.umask(0o077)
    try:
        database = _settings().database
        steps = database.migrate(SystemClock().utc().date(), dry_run=dry_run)
    except StoreError as error:
        raise _refused(str(error)) from None
    for step in steps:
        typer.echo(f"{step};")
    done = "would be done" if dry_run else "done"
    typer.echo(f"{database.name}: {f'{len(steps)} steps {done}' if steps else 'nothing to do'}.")


@app.command("settings")
def settings_command() -> None:
    """Show every setting, what it is now and what it means."""
    table = Table(box=None, pad_edge=False)
    for column in ("setting", "now", "meaning"):
        table.add_column(column, overflow="fold")
    for name, now, meaning in settings.described(_settings()):
        table.add_row(name, now, meaning)
    Console().print(table)


@app.command("demo")
def demo_command(
    seconds: Annotated[float, typer.Option(help="stop by itself after so long; 0: go on until Ctrl-C")] = 0,
) -> None:
    """Start a sandbox and a gateway on free ports, send traffic with faults in it and show what happens."""
    from ops.demo import demo  # noqa: PLC0415  only the demo needs it, and it starts processes of its own

    raise typer.Exit(demo(seconds))


@app.command("sandbox", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def sandbox_command(context: typer.Context) -> None:
    """Run the Telegram sandbox alone, with the options of `python -m ops.sandbox`."""
    os.execv(sys.executable, [sys.executable, "-m", "ops.sandbox", *context.args])  # noqa: S606  ourselves


@keys_app.command("list")
def keys_list(tenant: Annotated[str, typer.Argument(help="a tenant's id")] = "operator") -> None:
    """List a tenant's keys; without an argument the admin's."""
    for key in _run(keys.listed(_settings(), tenant)):
        typer.echo(
            f"{key.key_id}  {','.join(key.scopes)}  {key.issued_at:%Y-%m-%d %H:%M}  expires {_day(key.expires_at)}  "
            f"used {_day(key.last_used_at)}  {key.label}"
        )


@keys_app.command("issue")
def keys_issue(
    tenant: Annotated[str, typer.Argument(help="a tenant's id")] = "operator",
    label: Annotated[str, typer.Option(help="what it is for")] = "",
) -> None:
    """Make another key; without an argument an admin's. It is shown this once."""
    typer.echo(_run(keys.issued(_settings(), tenant, label)))


@keys_app.command("revoke")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(help="the key's id, as `keys list` shows it")],
    tenant: Annotated[str, typer.Option(help="a tenant's id")] = "operator",
) -> None:
    """Take a key back. It opens nothing from then on."""
    _run(keys.revoked(_settings(), tenant, key_id))


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _settings() -> settings.Settings:
    try:
        return settings.load()
    except settings.BadSettings as error:
        raise _refused(str(error)) from None


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except (StoreError, CannotListen, FleetFailed, keys.KeyRefused) as error:
        raise _refused(str(error)) from None


def _announce(base_url: str, loft: Loft) -> None:
    first = loft.first_admin_key
    if first is not None:
        typer.echo(f"admin key, shown this once: {first.api_key}")
    typer.echo(f"botloft listening on {base_url}")
    sys.stdout.flush()


def _refused(sentence: str) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(1)
