"""Counts of one process, in memory: a moving window of the limits library, each key forgotten when its window is empty.

The library's own memory looks through all keys from a new thread every 10 ms, and never forgets one of a moving
window: an attacker with many addresses would fill it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

from limits.storage import MemoryStorage

KEYS_MAX = 100_000
"""Beyond it, the one that was silent for longest is forgotten early."""


class Counts(MemoryStorage):
    """Of one rate: all keys have the same window."""

    def __init__(self, steady: Callable[[], float], keys_max: int = KEYS_MAX) -> None:
        super().__init__()
        self._steady = steady
        self._keys_max = keys_max
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        """In the order of their newest."""

    def __len__(self) -> int:
        return len(self._times)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        now = self._steady()
        self._forget(now - expiry)
        times = self._recent(key, now - expiry)
        if len(times) + amount > limit:
            return False
        times.extend([now] * amount)
        self._times[key] = times
        self._times.move_to_end(key)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002  the library's
        now = self._steady()
        times = self._recent(key, now - expiry)
        return (times[0], len(times)) if times else (now, 0)

    def _recent(self, key: str, since: float) -> deque[float]:
        times = self._times.get(key)
        if times is None:
            return deque()
        while times and times[0] <= since:
            times.popleft()
        return times

    def _forget(self, since: float) -> None:
        while self._times:
            oldest = next(iter(self._times.values()))
            if oldest and oldest[-1] > since and len(self._times) < self._keys_max:
                return
            self._times.popitem(last=False)
