"""How much a caller may: one table says which limit a request belongs to, another (the settings) how high each is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec
import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter

from domain.tenant import OPERATOR
from gateway.allowance import Allowance
from gateway.clients import Client
from gateway.counts import Counts
from gateway.problems import NO_MEMBERS, Problem


class Kind(StrEnum):
    BOT_CREATION = "bot_creation"
    MANAGEMENT = "management"
    ADMIN = "admin"
    LOGIN = "login"
    REGISTER = "register"
    PUBLIC = "public"
    FAILED_AUTH = "failed_auth"
    COMMANDS = "commands"
    WEBHOOKS = "webhooks"


OF_REQUESTS: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        # The first that fits, most often walked first.
        (r"POST /api/bots/[^/]+/commands/.+", Kind.COMMANDS),
        (r"\w+ /webhook/.+", Kind.WEBHOOKS),
        (r"(GET|HEAD) /api/bots/[^/]+/updates", Kind.COMMANDS),
        (r"\w+ /api/commands/.+", Kind.COMMANDS),
        (r"POST /api/bots", Kind.BOT_CREATION),
        (r"\w+ /api/.*", Kind.MANAGEMENT),
        (r"\w+ /admin/.*", Kind.ADMIN),
        (r"\w+ /auth/login", Kind.LOGIN),
        (r"\w+ /auth/register", Kind.REGISTER),
        (r"\w+ .*", Kind.PUBLIC),
    )
)
BY_KEY_OR_PATH = (Kind.COMMANDS, Kind.WEBHOOKS)
"""Counted by the route itself, once it knows whose the request is; all others by address, before anything is done."""
WHAT = {
    Kind.BOT_CREATION: "bot registrations",
    Kind.MANAGEMENT: "requests about bots and accounts",
    Kind.ADMIN: "admin's requests",
    Kind.LOGIN: "logins",
    Kind.REGISTER: "registrations",
    Kind.PUBLIC: "requests without a key",
    Kind.FAILED_AUTH: "requests with a wrong key",
    Kind.COMMANDS: "commands with one key",
    Kind.WEBHOOKS: "updates",
}
LOGGED = RateLimitItemPerMinute(1)
"""Of one caller and limit: whoever floods us must not flood the log as well."""

log = structlog.get_logger()


class Shared(Protocol):
    storage: str
    is_there: bool

    async def taken(self, rate: RateLimitItem, *who: str) -> Allowance | None: ...


class Clock(Protocol):
    def utc(self) -> datetime: ...

    def steady(self) -> float: ...


class OfOneKind(msgspec.Struct, frozen=True):
    limit: Kind
    rate: str
    refused: int
    """Since the process started."""


class OfCallers(msgspec.Struct, frozen=True):
    enabled: bool
    storage: str
    """`memory`: this process alone."""
    shared: bool
    """Whether the limits count for several processes right now."""
    limits: list[OfOneKind]


def kind_of(method: str, path: str) -> Kind:
    request = f"{method} {path}"
    return next((kind for pattern, kind in OF_REQUESTS if pattern.fullmatch(request)), Kind.PUBLIC)


class Limits:
    def __init__(self, rates: Mapping[Kind, RateLimitItem], clock: Clock, shared: Shared | None = None) -> None:
        """A kind without a rate has no limit."""
        self._rates = rates
        self._clock = clock
        self._shared = shared
        counts = {kind: Counts(clock.steady) for kind in rates}
        self._counts = {kind: MovingWindowRateLimiter(of_kind) for kind, of_kind in counts.items()}
        self._failures = counts.get(Kind.FAILED_AUTH)
        self._logged = MovingWindowRateLimiter(Counts(clock.steady))
        self._refused: Counter[Kind] = Counter()

    async def take(self, kind: Kind, client: Client) -> Allowance | None:
        """One request by its address, of all processes that share. None: there is no limit. Raises Problem."""
        rate = self._rates.get(kind)
        if rate is None or client.is_exempt:
            return None
        allowance, together = self._here(kind, rate, client.counted_as), None
        if not allowance.is_over and self._shared is not None:
            together = await self._shared.taken(rate, kind, client.counted_as)
        # What all together refuse is not counted here: it would be refused for longer than is said.
        is_over = allowance.is_over if together is None else together.is_over
        if is_over or not self._counts[kind].hit(rate, client.counted_as):
            raise self._refusal(kind, together or self._here(kind, rate, client.counted_as), client)
        return together or self._here(kind, rate, client.counted_as)

    def take_here(self, kind: Kind, who: str, client: Client, members: Mapping[str, object] = NO_MEMBERS) -> None:
        """One request of a key or a path: those are known to one process alone. Raises Problem."""
        rate = self._rates.get(kind)
        if rate is not None and not client.is_exempt and not self._counts[kind].hit(rate, who):
            raise self._refusal(kind, self._here(kind, rate, who), client, members)

    def take_by_key(self, key_id: str | None, client: Client, members: Mapping[str, object] = NO_MEMBERS) -> None:
        self.take_here(Kind.COMMANDS, key_id or OPERATOR, client, members)

    def check_failures(self, client: Client) -> None:
        """Before a key is looked at. Raises Problem."""
        if not self._failures:
            # The usual case, on the path of every command.
            return
        rate = self._rates.get(Kind.FAILED_AUTH)
        if rate is not None and not client.is_exempt:
            allowance = self._here(Kind.FAILED_AUTH, rate, client.counted_as)
            if allowance.is_over:
                raise self._refusal(Kind.FAILED_AUTH, allowance, client)

    def failed(self, client: Client) -> None:
        """At once, so that no attempt beside it slips through."""
        rate = self._rates.get(Kind.FAILED_AUTH)
        if rate is not None and not client.is_exempt:
            self._counts[Kind.FAILED_AUTH].hit(rate, client.counted_as)

    async def failed_elsewhere(self, client: Client) -> None:
        """After `failed`: together with the other processes it may have been too much."""
        rate = self._rates.get(Kind.FAILED_AUTH)
        if rate is None or client.is_exempt or self._shared is None:
            return
        allowance = await self._shared.taken(rate, Kind.FAILED_AUTH, client.counted_as)
        if allowance is not None and (allowance.is_over or allowance.remaining == 0):
            left = self._here(Kind.FAILED_AUTH, rate, client.counted_as).remaining
            self._counts[Kind.FAILED_AUTH].hit(rate, client.counted_as, cost=left)

    def told(self) -> OfCallers:
        """For admins."""
        rates, shared = self._rates.items(), self._shared
        return OfCallers(
            enabled=bool(rates),
            storage="memory" if shared is None else shared.storage,
            shared=shared is not None and shared.is_there,
            limits=[OfOneKind(kind, str(rate), self._refused[kind]) for kind, rate in rates],
        )

    def headers(self, allowance: Allowance) -> dict[str, str]:
        return allowance.headers(self._clock.utc().timestamp())

    def _here(self, kind: Kind, rate: RateLimitItem, who: str) -> Allowance:
        next_at, remaining = self._counts[kind].get_window_stats(rate, who)
        return Allowance(rate, remaining, next_at - self._clock.steady(), remaining < 1)

    def _refusal(
        self, kind: Kind, allowance: Allowance, client: Client, members: Mapping[str, object] = NO_MEMBERS
    ) -> Problem:
        self._refused[kind] += 1
        if self._logged.hit(LOGGED, kind, client.counted_as):
            log.warning("caller_limited", limit=kind, address=client.address)
        detail = f"Nothing was done: more than {allowance.rate.amount} {WHAT[kind]} in {_in_words(allowance.rate)}."
        return Problem(
            "too_many_requests",
            detail,
            retry_after_s=allowance.retry_after_s,
            headers=self.headers(allowance),
            members={"limit": kind, **members},
        )


def _in_words(rate: RateLimitItem) -> str:
    unit = rate.GRANULARITY.name
    return f"{rate.multiples} {unit}s" if rate.multiples > 1 else f"{'an' if unit == 'hour' else 'a'} {unit}"
