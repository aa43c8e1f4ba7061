"""Every setting, its default and its meaning, from the environment and from `.env`; nonsense is refused by name."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import NoDecode, SettingsConfigDict

from domain.store.database import NEITHER, POSTGRES, SQLITE, database_at, sqlite_url
from domain.store.store import Database
from ops import chosen, limits
from ops.caller_settings import CallerSettings
from ops.origins import BrowserSettings
from ops.public_url import certificate, is_loopback, reachable

PREFIX = "BOTLOFT_"
SECRETS = ("admin_key", "master_keys", "alert_secret", "database_url")
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""0 turns it off."""
TokenRate = Annotated[float, Field(gt=0, le=5)]
OF_CLIENTS = ("BOTLOFT_KEY", "BOTLOFT_URL")
"""No settings of the gateway: `botloft events` reads them."""


class BadSettings(Exception):
    """Each line names a setting and what is wrong with it."""


class Settings(CallerSettings, BrowserSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    state_dir: Path = Field(Path("var"), description="where embedded databases and made keys are kept")
    database_url: SecretStr | None = Field(
        None, description="where the log is: sqlite:///<path>, by default <state_dir>/botloft.db, or postgresql://…"
    )
    telegram_api: str = Field(
        "https://api.telegram.org", description="Bot API server: the cloud, a local one, or the sandbox"
    )
    admin_key: SecretStr | None = Field(
        None, description="the admin's key, 32 characters or more; without it one is made and printed at first start"
    )
    master_keys: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list,
        description="keys of the vault, newest first, comma-separated; without it <state_dir>/master.key is made",
    )
    open_registration: bool | None = Field(
        None, description="whether anybody may register a tenant; by default only while listening on loopback"
    )
    alert_url: str | None = Field(None, description="where the operator's alerts are posted (Standard Webhooks)")
    alert_secret: SecretStr | None = Field(None, description="signs them; 32 characters or more, or whsec_ and base64")
    callback_allow_private: bool = Field(
        False, description="whether tenants' callback and notice URLs may be http, private or loopback addresses"
    )
    fleet_rps: Limit = Field(25, description="requests per second of the whole fleet; 0: no limit")
    method_rps: Annotated[dict[str, float], NoDecode] = Field(
        default_factory=dict,
        description="requests per second of single methods, of the whole fleet: createForumTopic=0.5,sendDocument=5",
    )
    bot_rps: Limit = Field(25, description="requests per second of one bot; 0: no limit")
    chat_rps: Limit = Field(1, description="messages per second into one chat; 0: no limit")
    group_rpm: Limit = Field(20, description="messages per minute into one group; 0: no limit")
    max_in_flight: Count = Field(30, description="commands of one bot that Telegram may have at once")
    max_waiting: Count = Field(1000, description="commands of one bot that may wait")
    breaker_failures: Count = Field(5, description="failed commands in a row that open a bot's breaker")
    breaker_cooldown_s: Seconds = Field(60, description="seconds it stays open before a probe")
    breaker_successes: Count = Field(2, description="successful probes that close it")
    telegram_timeout_s: Seconds = Field(60, description="seconds that one attempt may take")
    command_deadline_s: Seconds = Field(30, description="seconds a caller waits, unless it sets X-Deadline-S")
    max_active_bots: Count = Field(10_000, description="bots awake at once; beyond it the least used ones sleep")
    idle_timeout_s: Seconds = Field(1800, description="seconds without a command after which a bot sleeps")
    max_connections: Count = Field(100, description="connections to Telegram, of the whole fleet")
    public_url: str | None = Field(
        None, description="where Telegram reaches the gateway, for webhooks; without it bots can only poll"
    )
    public_certificate: Path | None = Field(
        None, description="PEM file of a self-signed certificate that Telegram is to trust at the public URL"
    )
    max_polls: Count = Field(1000, description="bots that may fetch their updates at once; others take turns")
    watchdog_s: Seconds = Field(300, description="seconds between two looks at a bot's webhook")
    require_ownership: bool = Field(
        False, description="whether a bot takes commands only after its owner has sent a code to it"
    )
    token_check_rps: TokenRate = Field(
        0.15, description="bots' tokens looked at per second, at most: Telegram slows whoever brings many bots at once"
    )
    max_event_streams: Count = Field(100, description="exports and live streams of events that may be open at once")
    max_event_streams_per_key: Count = Field(10, description="the same, with one key")
    max_backlog: Count = Field(20_000, description="events that may wait for the disk before new commands are refused")
    retention_days: Count = Field(30, description="days that events are kept; older ones are summarised and dropped")
    drain_s: Seconds = Field(20, description="seconds that a stop waits for commands in flight")
    rate_limit_storage_uri: SecretStr | None = Field(
        None,
        validation_alias="RATE_LIMIT_STORAGE_URI",
        description="redis://… shares limits between processes; memory:// or none: each has its own",
    )

    @field_validator("method_rps", mode="before")
    @classmethod
    def _by_method(cls, value: object) -> object:
        return limits.by_method(value) if isinstance(value, str) else value

    @field_validator("rate_limit_storage_uri")
    @classmethod
    def _is_storage(cls, uri: SecretStr | None) -> SecretStr | None:
        return None if uri is None else limits.storage(uri)

    @field_validator("master_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("master_keys")
    @classmethod
    def _long_enough(cls, keys: list[SecretStr]) -> list[SecretStr]:
        for key in keys:
            chosen.check_length(key)
        return keys

    @field_validator("admin_key", "alert_secret")
    @classmethod
    def _admin_long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            chosen.check_length(key)
        return key

    @field_validator("alert_secret")
    @classmethod
    def _can_sign(cls, secret: SecretStr | None) -> SecretStr | None:
        return chosen.that_signs(secret)

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith((SQLITE, *POSTGRES)):
            raise ValueError(NEITHER)
        return url

    @model_validator(mode="after")
    def _alerts_are_signed(self) -> Settings:
        if self.alert_url is not None and self.alert_secret is None:
            raise ValueError("BOTLOFT_ALERT_URL needs BOTLOFT_ALERT_SECRET, so that your end can tell who posts")
        return self

    @model_validator(mode="after")
    def _certificate_of_something(self) -> Settings:
        if self.public_certificate is not None and self.public_url is None:
            raise ValueError("BOTLOFT_PUBLIC_CERTIFICATE is of the host in BOTLOFT_PUBLIC_URL: set that too")
        return self

    @field_validator("telegram_api", "alert_url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not url.startswith(("https://", "http://")):
            raise ValueError("must begin with https:// or http://")
        return url.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _is_reachable(cls, url: str | None) -> str | None:
        return None if url is None else reachable(url)

    @field_validator("public_certificate")
    @classmethod
    def _is_certificate(cls, path: Path | None) -> Path | None:
        return None if path is None else certificate(path)

    @property
    def database(self) -> Database:
        """Raises StoreUnusable."""
        return database_at(self.url_of_database)

    @property
    def url_of_database(self) -> str:
        """With its password."""
        url = self.database_url
        return url.get_secret_value() if url else sqlite_url(self.state_dir / "botloft.db")

    @property
    def views(self) -> Path:
        return self.state_dir / "views.db"

    @property
    def checkpoints(self) -> Path:
        return self.state_dir / "checkpoints"

    @property
    def registration_is_open(self) -> bool:
        return is_loopback(self.host) if self.open_registration is None else self.open_registration


def load() -> Settings:
    """Raises BadSettings."""
    unknown = _unknown_names()
    if unknown:
        raise BadSettings("\n".join(unknown))
    try:
        return Settings()
    except ValidationError as error:
        raise BadSettings("\n".join(_sentence(one) for one in error.errors())) from None


def _sentence(error: ErrorDetails) -> str:
    said = error["msg"].removeprefix("Value error, ")
    return f"{_named(str(error['loc'][0]))}: {said}" if error["loc"] else said


def _named(field: str) -> str:
    """As it stands in the environment; a few names are those of other tools."""
    found = Settings.model_fields.get(field)
    alias = found.validation_alias if found is not None else field
    return alias if isinstance(alias, str) else f"{PREFIX}{field.upper()}"


def _unknown_names() -> list[str]:
    """A misspelt setting would be ignored in silence, and its owner believe it."""
    known = [_named(name) for name in Settings.model_fields]
    found = []
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in (*known, *OF_CLIENTS):
            near = difflib.get_close_matches(name.upper(), known, 1)
            found.append(f"{name}: there is no such setting." + (f" Did you mean {near[0]}?" if near else ""))
    return found


def described(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each; secret values are not shown."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = "set, not shown" if name in SECRETS and value else str(value)
        if isinstance(value, dict):
            shown = ",".join(f"{key}={one:g}" for key, one in value.items())
        if isinstance(value, tuple):
            shown = ",".join(map(str, value))
        if name == "rate_limit_storage_uri" and value is not None:
            shown = limits.without_password(value)
        rows.append((_named(name), shown if value not in (None, [], {}, ()) else "-", field.description or ""))
    return rows
