"""`botloft whatif`: reads the log beside a running gateway, or without one, and changes nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from domain.errors import StoreError
from domain.failure import Strategy
from domain.store.ledger import Ledger
from domain.whatif import report as replay
from domain.whatif.policy import Change
from domain.whatif.question import NoAnswer, Question
from gateway import times
from ops import settings
from ops.clock import SystemClock
from ops.whatif.table import shown
from ops.whatif.today import today_of

MAX_COMMANDS = 1_000_000
"""About a gigabyte of memory."""
LAST = timedelta(hours=1)
POLICY = "The other policy: what is not given stays as it is today"


def _number(meaning: str) -> Any:
    return typer.Option(help=meaning, rich_help_panel=POLICY, show_default=False)


def whatif(  # noqa: PLR0913, PLR0917  a flag for each number of a policy
    since: Annotated[
        str | None, typer.Option("--from", help="UTC, like 2026-07-01T12:00; an hour before the end")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="UTC; now")] = None,
    bot: Annotated[int | None, typer.Option(help="only this bot has the other policy, and is counted")] = None,
    tenant: Annotated[str | None, typer.Option(help="only this tenant's bots")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the whole report as JSON")] = False,
    bot_rps: Annotated[float | None, _number("requests per second of a bot; 0: no limit")] = None,
    chat_rps: Annotated[float | None, _number("messages per second into a chat")] = None,
    group_rpm: Annotated[float | None, _number("messages per minute into a group")] = None,
    fleet_rps: Annotated[float | None, _number("requests per second of the whole fleet")] = None,
    max_in_flight: Annotated[int | None, _number("commands of a bot that Telegram has at once")] = None,
    max_waiting: Annotated[int | None, _number("commands of a bot that may wait")] = None,
    breaker_failures: Annotated[int | None, _number("failed commands in a row that open it")] = None,
    breaker_cooldown_s: Annotated[float | None, _number("seconds it stays open")] = None,
    breaker_successes: Annotated[int | None, _number("probes that close it")] = None,
    breaker_probe_timeout_s: Annotated[float | None, _number("seconds after which a probe is lost")] = None,
    breaker_slow_call_s: Annotated[float | None, _number("a call as slow as this counts as slow; 0: none does")] = None,
    breaker_slow_share: Annotated[float | None, _number("the share of slow calls that opens it")] = None,
    breaker_slow_window: Annotated[int | None, _number("among how many calls")] = None,
    retries: Annotated[int | None, _number("retries of a command, whatever the category")] = None,
    retry_strategy: Annotated[Strategy | None, _number("how back-off grows")] = None,
    retry_base_s: Annotated[float | None, _number("the first back-off, at most")] = None,
    retry_cap_s: Annotated[float | None, _number("the longest back-off")] = None,
) -> None:
    """Replay recorded commands under another policy and show what would have been.

    Example: botloft whatif --breaker-failures 3 --bot-rps 15
    """
    given = {name: value for name, value in locals().items() if name in Change.__struct_fields__}
    try:
        question = Question(
            **_times(since, until),
            change=msgspec.convert({name: value for name, value in given.items() if value is not None}, Change),
            bot_id=bot,
            tenant_id=tenant,
            max_commands=MAX_COMMANDS,
        )
        found = settings.load()
        with closing(found.database.reader()) as store, _bar() as told:
            gc.disable()  # a short life, and most of what is made stays
            report = replay.answered(Ledger(store), today_of(found), question, told)
    except msgspec.ValidationError as error:
        raise _refused(f"The policy: {error}".replace("$.", "--").replace("_", "-")) from None
    except (NoAnswer, StoreError, settings.BadSettings, ValueError) as error:
        raise _refused(str(error)) from None
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report)))
    else:
        Console().print(shown(report))


def _times(since: str | None, until: str | None) -> dict[str, datetime]:
    end = SystemClock().utc() if until is None else _time("--to", until)
    return {"since": end - LAST if since is None else _time("--from", since), "until": end}


def _time(name: str, text: str) -> datetime:
    try:
        return times.parsed(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is no time like 2026-07-01T12:00.") from None


@contextmanager
def _bar() -> Iterator[replay.Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def told(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=1.0)
            progress.update(tasks[what], completed=share)

        yield told


def _refused(sentence: str) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(1)
