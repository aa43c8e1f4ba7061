"""The calls that came: each one in order of arrival, as long as they are kept, and counts of all."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any

import msgspec

CALLS_KEPT_MAX = 200_000


class Call(msgspec.Struct):
    """`status` is None as long as nothing was answered, and for ever when nothing is."""

    n: int
    at: float
    bot_id: int | None
    method: str
    chat_id: int | None
    status: int | None = None
    effect: bool = False
    fault: str | None = None


class Calls:
    def __init__(self, *, keep: bool = True) -> None:
        self.keep = keep
        self.kept: deque[Call] = deque(maxlen=CALLS_KEPT_MAX)
        self.counts: Counter[tuple[int | None, str]] = Counter()
        self.in_flight = 0
        self.in_flight_peak = 0
        self._n = 0

    def arrived(self, bot_id: int | None, method: str, chat_id: int | None) -> Call:
        self._n += 1
        call = Call(self._n, time.monotonic(), bot_id, method, chat_id)
        self.counts[bot_id, method] += 1
        if self.keep:
            self.kept.append(call)
        return call

    def begin(self) -> None:
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)

    def end(self) -> None:
        self.in_flight -= 1

    def chosen(self, bot_id: int | None, method: str | None, since: int) -> list[Call]:
        """Those after call number `since`."""
        return [
            call
            for call in self.kept
            if call.n > since and bot_id in {None, call.bot_id} and (method is None or method == call.method)
        ]

    def by_bot(self) -> dict[str, dict[str, int]]:
        table: dict[str, dict[str, int]] = {}
        for (bot_id, method), count in self.counts.items():
            table.setdefault("unknown" if bot_id is None else str(bot_id), {})[method] = count
        return table

    def by_method(self) -> dict[str, int]:
        table: Counter[str] = Counter()
        for (_, method), count in self.counts.items():
            table[method] += count
        return dict(table)

    def summary(self) -> dict[str, Any]:
        return {
            "calls": self._n,
            "by_bot": self.by_bot(),
            "by_method": self.by_method(),
            "in_flight": self.in_flight,
            "in_flight_peak": self.in_flight_peak,
        }
