"""An export into a file. It may be cut or killed anywhere: the same command goes on after the last whole line.

Beside FILE stand, while it is made, FILE.part (the lines so far) and FILE.plan.json; FILE itself appears when it is
whole.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from ops.access import Refused
from ops.events.formats import FORMATS
from ops.events.gateway import Cut, Gateway
from ops.events.plan import EVENTS, POSITION, Plan, planned

RETRY_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Between tries that brought nothing; then the command ends, to be given again."""
BLOCK = 1 << 16


class _Placed(msgspec.Struct):
    position: int


_placed = msgspec.json.Decoder(_Placed).decode


class Progress(NamedTuple):
    position: int
    until: int
    events: int


Told = Callable[[Progress], None]


class Exported(NamedTuple):
    path: Path
    events: int
    """Fetched by this run."""


def export(gateway: Gateway, query: dict[str, str], path: Path, kind: str, told: Told) -> Exported:
    """Raises Refused, and Cut when the gateway stays away."""
    part, plan_path = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.plan.json")
    converted = FORMATS[kind]()
    if path.exists():
        if not plan_path.exists():
            raise Refused(f"{path} is there already. Export to another file, or delete it.")
        # Killed between the last two steps: it is whole.
        _clear(part, plan_path)
        return Exported(path, 0)
    plan = planned(plan_path, query, gateway)
    events = _fetched(gateway, plan, part, told)
    if converted is None:
        part.replace(path)
    else:
        new = path.with_name(f"{path.name}.new")
        converted(part, new, plan.columns)
        new.replace(path)
    _clear(part, plan_path)
    return Exported(path, events)


def _fetched(gateway: Gateway, plan: Plan, part: Path, told: Told) -> int:
    with part.open("a+b") as file:
        alone(file)
        fetching, failures = _Fetching(file, plan.until, told), 0
        while True:
            before = fetching.events
            try:
                _fetch(gateway, plan, fetching)
            except Cut:
                failures = failures + 1 if fetching.events == before else 1
                if failures > len(RETRY_S):
                    raise
                time.sleep(RETRY_S[failures - 1])
            else:
                file.flush()
                os.fsync(file.fileno())
                told(Progress(plan.until, plan.until, fetching.events))
                return fetching.events


def _fetch(gateway: Gateway, plan: Plan, fetching: _Fetching) -> None:
    query = {**plan.query, "after": str(fetching.begun()), "until": str(plan.until)}
    with gateway.answer("GET", EVENTS, query) as answer:
        if int(answer.header(POSITION)) != plan.until:
            raise Refused("This gateway has another log, or lost a part of it, since the export began.")
        for piece in answer.pieces():
            fetching.take(piece)


class _Fetching:
    """Lines as they come into the file, and how far they have come."""

    def __init__(self, file: IO[bytes], until: int, told: Told) -> None:
        self._file = file
        self._until = until
        self._told = told
        self._tail = b""
        self.events = 0

    def begun(self) -> int:
        """After which position to go on."""
        self._tail = b""
        return cut_to_last_line(self._file)

    def take(self, piece: bytes) -> None:
        self._file.write(piece)
        lines, newline, rest = (self._tail + piece).rpartition(b"\n")
        self._tail = rest
        if newline:
            self.events += lines.count(b"\n") + 1
            position = _placed(lines[lines.rfind(b"\n") + 1 :]).position
            self._told(Progress(position, self._until, self.events))


def alone(file: IO[bytes]) -> None:
    """Raises Refused when another process writes it; the system gives it free, however that one ends."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Refused(f"Another process is writing {file.name}.") from None


def cut_to_last_line(file: IO[bytes]) -> int:
    """The position of the last whole line, 0 where there is none; what follows it is gone."""
    file.flush()
    tail, begins = b"", file.seek(0, os.SEEK_END)
    while begins > 0 and tail.count(b"\n") < 2:  # noqa: PLR2004  one ends the last whole line, one the line before
        size = min(BLOCK, begins)
        begins -= size
        file.seek(begins)
        tail = file.read(size) + tail
    whole, newline, _ = tail.rpartition(b"\n")
    file.truncate(begins + len(whole) + len(newline))
    file.seek(0, os.SEEK_END)
    return _placed(whole[whole.rfind(b"\n") + 1 :]).position if newline else 0


def _clear(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
