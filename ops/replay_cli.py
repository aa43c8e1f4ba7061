"""`botloft replay`: how the fleet was at an earlier moment, from the log of a running gateway."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ops.asking import Url, asking

HEALTH = ("admin", "system", "bot-health")
PAGE = 1000


def replay(
    as_of: Annotated[str, typer.Option(help="a position of the log, or a time like 2026-11-24T12:00:00Z")],
    bot: Annotated[int | None, typer.Option(help="only this bot")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="what the gateway says, as it says it")] = False,
    url: Url = None,
) -> None:
    """Show the health of all bots, or of one, as it was then: folded again from the log up to there.

    Example: botloft replay --as-of 2026-11-24T12:00:00Z
    """
    with asking(url) as client:
        if bot is None:
            summary = client.get(*HEALTH, "summary", as_of=as_of)
            found = {"as_of": as_of, "summary": summary, "bots": _bots(client.get, as_of)}
        else:
            found = {"as_of": as_of, "bots": [client.get(*HEALTH, str(bot), as_of=as_of)]}
    if as_json:
        Console().print_json(data=found)
    else:
        _show(found)


def _bots(get: Any, as_of: str) -> list[dict[str, Any]]:
    """One by one as the list names them: health has more to say than the list."""
    owned: list[int] = []
    after: dict[str, object] | None = {}
    while after is not None:
        page = get("admin", "bots", as_of=as_of, limit=PAGE, **after)
        owned += [bot["bot_id"] for bot in page["bots"] if bot["health"] is not None]
        after = None if page["next"] is None else {"after": page["next"]}
    return [get(*HEALTH, str(bot_id), as_of=as_of) for bot_id in owned]


def _show(found: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("bot")
    table.add_column("status")
    for column in ("requests", "failed", "error rate", "p99 ms"):
        table.add_column(column, justify="right")
    table.add_column("breaker")
    for bot in found["bots"]:
        p99 = "-" if bot["p99_ms"] is None else f"{bot['p99_ms']:,.0f}"
        counts = (f"{bot['total_requests']:,}", f"{bot['failed_requests']:,}", f"{bot['error_rate']:.1%}", p99)
        table.add_row(str(bot["bot_id"]), bot["status"], *counts, bot["breaker"])
    console = Console()
    console.print(f"As of {found['as_of']}: {len(found['bots'])} bots", markup=False)
    console.print(table)
