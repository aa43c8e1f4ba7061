"""The settings that say who calls, and how much a caller may."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from domain.rules.forwarded import Network, networks_in

LOOPBACK = networks_in("127.0.0.0/8, ::1")


class CallerSettings(BaseSettings):
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="addresses and networks of proxies whose X-Forwarded-For is believed, comma-separated"
    )
    rate_limit_whitelist: Annotated[tuple[Network, ...], NoDecode] = Field(
        LOOPBACK,
        validation_alias="RATE_LIMIT_WHITELIST",
        description="addresses and networks of callers without limits, comma-separated",
    )

    @field_validator("trusted_proxies", "rate_limit_whitelist", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return networks_in(value) if isinstance(value, str) else value
