"""What happened to bots: their lifecycles, kept for ever."""

from __future__ import annotations

from datetime import datetime

from domain.config import Config
from domain.events.base import Event

# Bots: stream bot/<bot_id>


class BotRegistered(Event, frozen=True, kw_only=True):
    """A tenant brought a bot with its token; it owns the bot from now on."""

    TOPIC = "bot-registered"
    bot_id: int
    tenant_id: str
    username: str
    first_name: str
    token_sealed: bytes
    token_fingerprint: str


class OwnershipChallenged(Event, frozen=True, kw_only=True):
    """A second tenant registered a bot that already has an owner."""

    TOPIC = "ownership-challenged"
    bot_id: int
    tenant_id: str
    username: str
    first_name: str
    token_sealed: bytes
    token_fingerprint: str


class ChallengeWithdrawn(Event, frozen=True, kw_only=True):
    """The second tenant has given up, or was removed; the owner's bot is as it was."""

    TOPIC = "challenge-withdrawn"
    bot_id: int
    tenant_id: str


class BotSuspended(Event, frozen=True, kw_only=True):
    """It takes no commands until it is resumed."""

    TOPIC = "bot-suspended"
    bot_id: int
    tenant_id: str
    reason: str
    by: str
    """`tenant`, `admin` or `botloft` itself."""


class BotResumed(Event, frozen=True, kw_only=True):
    """It takes commands again."""

    TOPIC = "bot-resumed"
    bot_id: int
    tenant_id: str
    by: str
    reason: str = ""


class BotRemoved(Event, frozen=True, kw_only=True):
    """Its owner has taken it away."""

    TOPIC = "bot-removed"
    bot_id: int
    tenant_id: str
    by: str = "tenant"
    reason: str = ""


class BotConfigured(Event, frozen=True, kw_only=True):
    """`config` is all of it, as it is from now on."""

    TOPIC = "bot-configured"
    bot_id: int
    tenant_id: str
    config: Config
    by: str
    reason: str = ""


class CallbackSet(Event, frozen=True, kw_only=True):
    """Its updates are posted from now on; with None its tenant fetches them."""

    TOPIC = "callback-set"
    bot_id: int
    tenant_id: str
    by: str
    callback_sealed: bytes | None = None
    """The URL, and the secret that signs what is posted there."""
    reason: str = ""


class BreakerForced(Event, frozen=True, kw_only=True):
    """Open until an admin resets it."""

    TOPIC = "breaker-forced"
    bot_id: int
    tenant_id: str
    reason: str


class BreakerOpened(Event, frozen=True, kw_only=True):
    """After failures in a row nothing of this bot leaves until `until`."""

    TOPIC = "breaker-opened"
    bot_id: int
    tenant_id: str
    until: datetime
    cause: str


class BreakerHalfOpened(Event, frozen=True, kw_only=True):
    """The rest is over: single probes find out whether Telegram answers again."""

    TOPIC = "breaker-half-opened"
    bot_id: int
    tenant_id: str


class BreakerClosed(Event, frozen=True, kw_only=True):
    """`reason` where an admin reset it."""

    TOPIC = "breaker-closed"
    bot_id: int
    tenant_id: str
    reason: str = ""


# How a bot hears: stream updates/<bot_id>


class WebhookEvent(Event, frozen=True, kw_only=True):
    bot_id: int
    tenant_id: str


class WebhookSet(WebhookEvent, frozen=True, kw_only=True):
    """Its webhook has this address from now on; recorded before Telegram is told, so that we know it as ours."""

    TOPIC = "webhook-set"
    path_sealed: bytes
    secret_sealed: bytes
    token_fingerprint: str = ""
    """Of the bot's token at that time: with another one comes another address."""


class WebhookRemoved(WebhookEvent, frozen=True, kw_only=True):
    """The bot has no webhook of ours any more."""

    TOPIC = "webhook-removed"


class WebhookLost(WebhookEvent, frozen=True, kw_only=True):
    """Updates do not come through it: `dark`, `stolen`, `gone` or `refused`."""

    TOPIC = "webhook-lost"
    reason: str


class WebhookRestored(WebhookEvent, frozen=True, kw_only=True):
    """Updates come through it again."""

    TOPIC = "webhook-restored"


class PollingStarted(WebhookEvent, frozen=True, kw_only=True):
    """Its webhook is taken away for a while, and its updates are fetched."""

    TOPIC = "polling-started"


# The fleet: stream fleet


class RetryStatisticsReset(Event, frozen=True, kw_only=True):
    """The view counts anew from here; what was counted before is still in the log."""

    TOPIC = "retry-statistics-reset"
    tenant_id: str
    """The bot's owner, or the operator where it is the whole fleet's."""
    reason: str
    by: str
    bot_id: int | None = None
    """None: every bot's, and the fleet's own."""
