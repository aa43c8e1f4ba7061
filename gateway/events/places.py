"""How many event streams are open, of each key and in all: each holds a connection and reads the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.problems import Problem

AGAIN_S = 5.0


class Places:
    def __init__(self, in_all: int, of_one_key: int) -> None:
        self._in_all = in_all
        self._of_one_key = of_one_key
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken_by(self, key: str) -> Iterator[None]:
        if self._taken[key] >= self._of_one_key:
            detail = f"This key has {self._of_one_key} event streams open, as many as it may: close one."
            raise Problem("too_many_streams", detail, retry_after_s=AGAIN_S)
        if self._taken.total() >= self._in_all:
            detail = f"All {self._in_all} event streams of this gateway are taken. Ask again in a while."
            raise Problem("overloaded", detail, retry_after_s=AGAIN_S)
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]

    @property
    def taken(self) -> int:
        return self._taken.total()
