"""The settings that say who calls, and how much a caller may."""

from __future__ import annotations

from typing import Annotated

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute, parse_many
from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.rules.forwarded import Network, networks_in


def rate(text: object) -> object:
    """Of `5/15 minutes`. ValueError says how it is written."""
    if not isinstance(text, str):
        return text
    try:
        (found,) = parse_many(text)
    except ValueError:
        found = None
    if found is None or found.amount < 1:
        raise ValueError("must be a number of requests and a time, like 5/hour or 100/15 minutes")
    return found


Rate = Annotated[RateLimitItem, BeforeValidator(rate)]
LOOPBACK = networks_in("127.0.0.0/8, ::1")


class CallerSettings(BaseSettings):
    model_config = SettingsConfigDict(arbitrary_types_allowed=True)

    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="addresses and networks of proxies whose X-Forwarded-For is believed, comma-separated"
    )
    rate_limit_whitelist: Annotated[tuple[Network, ...], NoDecode] = Field(
        LOOPBACK,
        validation_alias="RATE_LIMIT_WHITELIST",
        description="addresses and networks of callers without limits, comma-separated",
    )
    disable_rate_limiting: bool = Field(
        False, validation_alias="DISABLE_RATE_LIMITING", description="true: no caller is limited, wherever it is"
    )
    limit_bot_creation: Rate = Field(RateLimitItemPerHour(5), description="bot registrations from one address")
    limit_management: Rate = Field(RateLimitItemPerMinute(100), description="requests to /api from one address")
    limit_admin: Rate = Field(RateLimitItemPerMinute(30), description="requests to /admin from one address")
    limit_login: Rate = Field(RateLimitItemPerMinute(10), description="logins from one address")
    limit_register: Rate = Field(RateLimitItemPerHour(3), description="registrations of tenants from one address")
    limit_public: Rate = Field(RateLimitItemPerMinute(200), description="requests without a key from one address")
    limit_failed_auth: Rate = Field(
        RateLimitItemPerMinute(5, 15), description="wrong keys from one address, before it is not listened to"
    )
    limit_commands: Rate = Field(
        RateLimitItemPerMinute(6000), description="commands, looks at commands and fetches of updates with one key"
    )
    limit_webhooks: Rate = Field(
        RateLimitItemPerMinute(1000), description="updates of one bot by webhook, or wrong ones from one address"
    )

    max_open_connections: Annotated[int, Field(ge=1)] = Field(
        1000, description="connections of callers that may be open at once; those of the whitelist take no place"
    )
    max_open_connections_per_address: Annotated[int, Field(ge=1)] = Field(
        200, description="the same, from one address that is not a trusted proxy's"
    )
    headers_within_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        10, description="seconds in which a request's headers must have come"
    )
    body_within_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        60, description="seconds in which its body must have come"
    )

    @field_validator("trusted_proxies", "rate_limit_whitelist", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return networks_in(value) if isinstance(value, str) else value
