"""`botloft vault …`: the master key, in a running gateway or, while none runs, in the database itself.

Exit codes: 0 done, 1 refused or failed, 2 a mistake in the command itself, 3 the gateway cannot be reached.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from domain import streams
from domain.errors import AlreadyOwned, StoreError
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.rotation import MasterKeyStatus, Progress, Rotation
from domain.tenant import removed_in
from gateway.routes.vault import TARGET
from ops import settings as our_settings
from ops.asking import REFUSED, Reason, Url, asking, failed
from ops.by_hand import acted
from ops.client import AdminClient
from ops.clock import SystemClock
from ops.sealed import opened_vault
from ops.secrecy import no_core_dumps
from ops.vault_job import rotated

PATH = ("admin", "system", "vault")
LOOK_S = 0.2

vault_app = typer.Typer(
    no_args_is_help=True, help="The master key: which one seals what, a new one, and the end of the old one."
)


class Hand(Protocol):
    """On the vault, wherever it is."""

    def status(self) -> MasterKeyStatus: ...

    def rotate(self, reason: str, told: Callable[[Progress], bool]) -> Progress: ...

    def retire(self, reason: str) -> list[str]: ...


@vault_app.command("status")
def status_command(url: Url = None) -> None:
    """Show how many data keys are sealed under which master key. Keys are named by ids that tell nothing of them."""
    with _hand(url) as hand:
        found = hand.status()
    table = Table(box=None, pad_edge=False)
    for column in ("master key", "data keys", ""):
        table.add_column(column, justify="right" if column == "data keys" else "left")
    for number, one in enumerate(found.keys):
        use = "seals what is new" if number == 0 else "still needed" if one.data_keys else "seals nothing any more"
        table.add_row(one.key_id, f"{one.data_keys:,}", use)
    Console().print(table)


@vault_app.command("rotate")
def rotate_command(reason: Reason = "botloft vault rotate", url: Url = None) -> None:
    """Make a new master key and seal every data key under it. It goes on where an earlier one was cut."""
    columns = (TextColumn("data keys"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _hand(url) as hand:
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("")

            def told(progress: Progress) -> bool:
                bar.update(task, completed=progress.done, total=progress.total)
                return True

            try:
                end = hand.rotate(reason, told)
            except KeyboardInterrupt:
                failed("Cut off: everything opens all the same. Run it again and it goes on.", REFUSED)
        found = hand.status()
    if end.state != "done":
        failed(f"{end.done:,} data keys were sealed anew, not all: {end.error}", REFUSED)
    newest, *older = found.keys
    typer.echo(
        f"{end.done:,} data keys were sealed anew, {end.rate_per_s:,.0f} a second; "
        f"all {newest.data_keys:,} are under {newest.key_id}."
    )
    if older:
        named = ", ".join(one.key_id for one in older)
        typer.echo(f"Older backups need {named}. Make a new backup; then take it away with `botloft vault retire`.")


@vault_app.command("retire")
def retire_command(reason: Reason = "botloft vault retire", url: Url = None) -> None:
    """Take master keys that seal nothing any more out of master.key. Backups from before will not open without them."""
    with _hand(url) as hand:
        retired = hand.retire(reason)
    typer.echo(f"Gone from master.key: {', '.join(retired)}." if retired else "Nothing to retire.")


@contextmanager
def _hand(url: str | None) -> Iterator[Hand]:
    """On a running gateway, where there is one or one is named; else on the database, whose owner this then is."""
    no_core_dumps()
    os.umask(0o077)
    try:
        if url is None and "BOTLOFT_URL" not in os.environ:
            found = our_settings.load()
            found.database.reader().close()
            owner = found.database.owned_by(f"Process {os.getpid()} (botloft vault)")
            try:
                with _of_database(found) as here:
                    yield here
            finally:
                owner.release()
            return
    except AlreadyOwned:
        pass
    except (StoreError, our_settings.BadSettings) as error:
        failed(str(error), REFUSED)
    with asking(url) as client:
        yield _Asked(client)


@contextmanager
def _of_database(found: our_settings.Settings) -> Iterator[Hand]:
    store = found.database.opened()
    try:
        ledger = Ledger(store)
        removed = removed_in(recorded.event for recorded in ledger.streams_under(streams.TENANTS))
        yield _Here(ledger, opened_vault(found, store, removed)[1])
    finally:
        store.close()


class _Here:
    """No gateway runs."""

    def __init__(self, ledger: Ledger, rotation: Rotation) -> None:
        self._ledger, self._rotation = ledger, rotation

    def status(self) -> MasterKeyStatus:
        return MasterKeyStatus(self._rotation.status())

    def rotate(self, reason: str, told: Callable[[Progress], bool]) -> Progress:
        self._recorded("rotate", reason)
        return rotated(self._rotation, self._rotation.begin(), told)

    def retire(self, reason: str) -> list[str]:
        self._recorded("retire", reason)
        return self._rotation.retire()

    def _recorded(self, verb: str, reason: str) -> None:
        done = acted(f"vault.{verb}", TARGET, reason, SystemClock().utc())
        stream = streams.admin_stream(done.occurred_at)
        self._ledger.append([Entry(stream, self._ledger.last_version(stream) + 1, done)])


class _Asked:
    """Of a running gateway."""

    def __init__(self, client: AdminClient) -> None:
        self._client = client

    def status(self) -> MasterKeyStatus:
        return msgspec.convert(self._client.get(*PATH), MasterKeyStatus)

    def rotate(self, reason: str, told: Callable[[Progress], bool]) -> Progress:
        self._client.post(*PATH, "rotate", reason=reason)
        while True:
            progress = self.status().rotation
            if progress is None:
                failed("The gateway was restarted meanwhile. Run it again and it goes on.", REFUSED)
            told(progress)
            if progress.state != "running":
                return progress
            time.sleep(LOOK_S)

    def retire(self, reason: str) -> list[str]:
        return msgspec.convert(self._client.post(*PATH, "retire", reason=reason)["retired"], list[str])
