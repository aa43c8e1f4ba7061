"""What a tenant may set for a bot of its own; None stands for the fleet's default."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal, Protocol, TypeVar

import msgspec
from msgspec import Meta

from domain.failure import Strategy
from domain.updates import Kind

Rate = Annotated[float, Meta(ge=0, le=1000)]
"""0 turns the limit off."""
Count = Annotated[int, Meta(ge=1, le=1000)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]
Hearing = Literal["off", "polling", "webhook", "auto"]
"""How updates come in. `auto`: by webhook, and by polling where no webhook works."""


class RetryConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    strategy: Strategy | None = None
    retries: Annotated[int, Meta(ge=0, le=10)] | None = None
    base_s: Seconds | None = None
    cap_s: Seconds | None = None


class BreakerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`slow_call_s`: half of the last calls as slow as this open the breaker too."""

    failures: Count | None = None
    cooldown_s: Seconds | None = None
    successes: Count | None = None
    slow_call_s: Seconds | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    bot_rps: Rate | None = None
    chat_rps: Rate | None = None
    group_rpm: Rate | None = None
    max_in_flight: Count | None = None
    retry: RetryConfig | None = None
    breaker: BreakerConfig | None = None
    updates: Hearing | None = None
    allowed_updates: tuple[Kind, ...] | None = None
    """The kinds that Telegram brings; None: all but a few that it brings on demand only."""


DEFAULT = Config()


def changed(config: Config, change: dict[str, Any]) -> Config:
    """With these fields set anew; null takes one back to the default. Raises msgspec.ValidationError for nonsense."""
    return msgspec.convert({**msgspec.to_builtins(config), **change}, Config)


class Policies(Protocol):
    """What a bot may have of its own, as far as it is made of parts."""

    @property
    def pace(self) -> Any: ...
    @property
    def breaker(self) -> Any: ...
    @property
    def retry(self) -> Any: ...


Policy = TypeVar("Policy")
Whole = TypeVar("Whole", bound=Policies)


def of_bot(default: Whole, config: Config) -> Whole:
    """The fleet's policy, with what this bot has of its own."""
    if config == DEFAULT:
        return default  # one object for all of them
    return dataclasses.replace(  # type: ignore[type-var]  # a dataclass
        overridden(default, config),
        pace=overridden(default.pace, config),
        breaker=overridden(default.breaker, config.breaker),
        retry=overridden(default.retry, config.retry),
    )


def overridden(policy: Policy, config: msgspec.Struct | None) -> Policy:
    """A dataclass with those of its fields replaced that the config sets."""
    if config is None:
        return policy
    known = {field.name for field in dataclasses.fields(policy)}  # type: ignore[arg-type]  # a dataclass
    given = {name: value for name, value in msgspec.structs.asdict(config).items() if name in known}
    changes = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(policy, **changes)  # type: ignore[type-var]  # a dataclass
