"""Everything that the gateway is given by the wiring. Nothing else of the running system is within its reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from domain.errors import StoreError
from domain.hearing import Door, Whose
from domain.keys import Key
from domain.rules.forwarded import Network
from domain.store.rotation import MasterKeyStatus
from domain.whatif.question import Question
from domain.whatif.report import Report
from gateway.events.replay import Replay
from gateway.limits import Limits
from projections.control import Rebuild, Status
from projections.past import Moment
from projections.views import Readable


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

    def checkpoint(self) -> None:
        """Of the views as they are now. Blocks."""


class Steering(Protocol):
    """An admin's hand on the projections. It changes no fact: what does is recorded first, by the audit actor."""

    def statuses(self) -> list[Status]:
        """Blocks, as all the others do but the next one."""

    def rebuilding(self) -> Rebuild | None: ...

    def pause(self, name: str, reason: str, by: str) -> None: ...

    def resume(self, name: str) -> None: ...

    def obey_skips(self, name: str) -> None: ...

    def rebuild(self, name: str) -> None:
        """Begins it. Raises RebuildRuns."""


class MasterKeys(Protocol):
    """The vault's. All of it raises StoreError, and CannotRotate where a thing cannot be done now."""

    async def status(self) -> MasterKeyStatus: ...

    async def rotate(self) -> None:
        """Begins it; one that runs already is as good."""

    async def retire(self) -> list[str]:
        """The ids of those that were taken away."""


class Doorstep(Protocol):
    """Where updates come in by webhook."""

    def door(self, path: str, secret: str) -> Door:
        """One that does not stand where both do not fit together."""

    def whose(self, path: str, secret: str) -> Whose | None:
        """None where both do not fit together; counted."""

    def bring(self, whose: Whose, body: bytes, then: Callable[[int | StoreError], None]) -> bool:
        """False: no more is taken now. `then` is told when it is on disk. Raises NoUpdate and StoreError."""

    def counted(self) -> dict[str, int]:
        """What was refused, since the process started."""


class History(Protocol):
    """Earlier moments. Both block."""

    def moment(self, asked: int | datetime) -> Moment: ...

    def at(self, position: int, *names: str) -> Readable: ...


class Replays(Protocol):
    """Recorded commands under another policy. Raises NoAnswer."""

    async def __call__(self, question: Question) -> Report: ...


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    open_registration: bool
    version: str
    session_keys: Sequence[bytes] = field(repr=False)
    """Newest first; they sign the cookies of browser sessions."""
    public_url: str | None = None
    """None: bots have no webhooks."""
    admin_key_hash: str | None = field(default=None, repr=False)
    """SHA-256, hexadecimal, of the admin's key in the settings, which somebody may have made up."""
    command_deadline_s: float = 30.0
    max_deadline_s: float = 3600.0
    retention_days: int = 30
    max_body_bytes: int = 1024 * 1024
    callback_allow_private: bool = False
    cors_origins: tuple[str, ...] = ()
    """Of pages that may call from browsers; none: CORS is off."""
    max_event_streams: int = 100
    max_event_streams_per_key: int = 10
    trusted_proxies: tuple[Network, ...] = ()
    whitelist: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Doors:
    fleet: Askable
    accounts: Askable
    alerts: Askable
    audit: Askable
    updates: Askable
    ownership: Askable
    doorstep: Doorstep
    delivery: Askable
    notices: Askable
    find_key: Callable[[str], Key | None]
    """By key id, expired ones too; None for one that is unknown or revoked. Called on every request."""
    key_was_used: Callable[[str, datetime], None]
    """The same."""
    views: Readable
    past: History
    retention: Askable
    inspector: Askable
    runner: Progress
    projections: Steering
    master_keys: MasterKeys
    replay: Replay
    replays: Replays
    clock: Clock
    limits: Limits
    options: GatewayOptions
    troubles: Callable[[], Sequence[str]] = tuple
    """What else keeps the gateway from being ready, or soon will."""
