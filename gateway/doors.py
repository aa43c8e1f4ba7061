"""Everything that the gateway is given by the wiring. Nothing else of the running system is within its reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from domain.tenant import Key
from projections.runner import State
from projections.views import Views


class Askable(Protocol):
    """An actor's reference."""

    def ask(self, message: Any, *, block: Literal[False]) -> Any:
        """Returns what can be awaited for the reply."""


class Clock(Protocol):
    def utc(self) -> datetime: ...


class Progress(Protocol):
    """How far the views have come. Without `of`: the one furthest behind."""

    def position(self, of: str | None = None) -> int: ...

    async def wait_for(self, position: int, timeout_s: float, *, of: str | None = None) -> bool: ...

    def newest(self) -> int:
        """The log's. Blocks."""

    def states(self) -> list[State]: ...


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    open_registration: bool
    version: str
    admin_key_hash: str | None = None
    """SHA-256, hexadecimal, of the admin's key in the settings."""
    command_deadline_s: float = 30.0
    max_deadline_s: float = 3600.0
    max_body_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Doors:
    fleet: Askable
    accounts: Askable
    find_key: Callable[[str], Key | None]
    """By key id; None for one that is unknown or revoked. Called on every request."""
    views: Views
    runner: Progress
    clock: Clock
    options: GatewayOptions
    troubles: Callable[[], Sequence[str]] = tuple
    """What else keeps the gateway from being ready, or soon will."""
