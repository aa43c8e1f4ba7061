"""The demo's table: what the gateway says of each bot, and what the columns mean."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
from rich import box
from rich.table import Table

from ops.demo.caller import Bot

RATE_OVER_S = 5.0
STYLES = {
    "HEALTHY": "green",
    "DEGRADED": "yellow",
    "UNHEALTHY": "red",
    "SUSPENDED": "dim",
    "closed": "green",
    "half_open": "yellow",
    "open": "red",
}
CAPTION = (
    "delivered: Telegram did it. rejected: Telegram refused for good. not sent: certainly not executed. "
    "uncertain: it may have been executed, the answer was lost. p50, p99: from arrival to Telegram's answer. "
    "breaker: open means that nothing is sent until Telegram has had time to recover. "
    "All numbers are the gateway's own, from GET /api/bots/{id}/health."
)


class Figures(msgspec.Struct, frozen=True):
    """The four outcomes add up to every command that has ended."""

    status: str
    delivered: int
    rejected: int
    not_sent: int
    uncertain: int
    retries: int
    p50_ms: float | None
    p99_ms: float | None
    breaker: str

    @property
    def ended(self) -> int:
        return self.delivered + self.rejected + self.not_sent + self.uncertain


def figures(health: dict[str, Any]) -> Figures:
    # What failed without being uncertain was never executed: health counts it as failed, a caller hears "not_sent".
    never_executed = health["failed_requests"] - health["uncertain_requests"]
    return Figures(
        status=health["status"],
        delivered=health["successful_requests"],
        rejected=health["rejected_requests"],
        not_sent=health["not_sent_requests"] + never_executed,
        uncertain=health["uncertain_requests"],
        retries=health["retries"],
        p50_ms=health["p50_ms"],
        p99_ms=health["p99_ms"],
        breaker=health["breaker"],
    )


class Rate:
    """Commands a second over the last few seconds, from the running total."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def after(self, now: float, total: int) -> float:
        self._seen.append((now, total))
        while len(self._seen) > 1 and now - self._seen[1][0] >= RATE_OVER_S:
            self._seen.popleft()
        since, then = self._seen[0]
        return (total - then) / (now - since) if now > since else 0.0


def title(uptime_s: float, per_s: float) -> str:
    minutes, seconds = divmod(int(uptime_s), 60)
    return f"Botloft · up {minutes}:{seconds:02} · fleet {per_s:.1f} commands/s"


def table(
    bots: Sequence[Bot], found: Sequence[Figures], heading: str, caption: str | None, *, narrow: bool = False
) -> Table:
    shown = Table(
        title=heading,
        caption=caption,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for name in ("bot", "status") if narrow else ("tenant", "bot", "status"):
        shown.add_column(name, no_wrap=True)
    for name in ("delivered", "rejected", "not sent", "uncertain", "retries", "p50 ms", "p99 ms"):
        shown.add_column(name, justify="right", overflow="fold")
    shown.add_column("breaker", no_wrap=True)
    for bot, of_bot in zip(bots, found, strict=True):
        shown.add_row(
            *([f"@{bot.username}\n{bot.tenant.name}"] if narrow else [bot.tenant.name, f"@{bot.username}"]),
            _coloured(of_bot.status),
            *map(str, (of_bot.delivered, of_bot.rejected, of_bot.not_sent, of_bot.uncertain, of_bot.retries)),
            _ms(of_bot.p50_ms),
            _ms(of_bot.p99_ms),
            _coloured(of_bot.breaker),
        )
    return shown


def totals(found: Sequence[Figures]) -> str:
    names = ("delivered", "rejected", "not_sent", "uncertain")
    counts = [f"{sum(getattr(one, name) for one in found)} {name}" for name in names]
    return f"{sum(one.ended for one in found)} commands: {', '.join(counts)}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _coloured(word: str) -> str:
    return f"[{STYLES.get(word, 'default')}]{word}[/]"
