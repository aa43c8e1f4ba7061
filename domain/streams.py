"""Which stream an event belongs to: lifecycles for ever, and what happened on a day."""

from __future__ import annotations

import hashlib
import hmac
from datetime import date

from domain.events import DayEvent


def tenant_stream(tenant_id: str) -> str:
    return f"tenant/{tenant_id}"


def key_uses_stream(tenant_id: str) -> str:
    """When its keys were used. Beside the tenant's own stream, whose versions a change of keys counts on."""
    return f"{KEY_USES}{tenant_id}"


def bot_stream(bot_id: int) -> str:
    return f"bot/{bot_id}"


def summary_stream(day: str, bot_id: int) -> str:
    return f"{SUMMARIES}{day}/{bot_id}"


def admin_stream(day: date) -> str:
    """What admins did on that day; kept for ever, and in the order of days by name."""
    return f"{ADMINS}{day:%Y-%m-%d}"


def projection_stream(name: str) -> str:
    """What was decided about a projection."""
    return f"projections/{name}"


BOTS = "bot/"
TENANTS = "tenant/"
KEY_USES = "uses/"
ADMINS = "admin/"
ALERTS = "alert/"
UPDATES = "updates/"
NOTICES = "notices/"
ENDPOINTS = "endpoint/"
TOKENS = "tokens/"
SUMMARIES = "summary/"
RETENTION = "retention"
DAYS = "d/"
DAY_NAME_AT = len("d/2026-07-01/")
FLEET = "fleet"
"""What concerns no single bot; the supervisor writes it."""


def updates_stream(bot_id: int) -> str:
    """How a bot hears of its users. One actor writes it for all bots, so that none is woken for it."""
    return f"{UPDATES}{bot_id}"


def alert_stream(kind: str, bot_id: int) -> str:
    return f"{ALERTS}{kind}/{bot_id}"


def notice_stream(tenant_id: str) -> str:
    return f"{NOTICES}{tenant_id}"


def endpoint_stream(bot_id: int) -> str:
    """How the bot's callback URL fares."""
    return f"{ENDPOINTS}{bot_id}"


def tokens_stream(day: date) -> str:
    """Which bots' tokens had their daily turn."""
    return f"{TOKENS}{day:%Y-%m-%d}"


def key_stream(day: date, tenant_id: str, key: str) -> str:
    """Version 1 of it is the acceptance, so the store itself refuses a second one for the same key."""
    digest = hmac.new(tenant_id.encode(), key.encode(), hashlib.sha256).hexdigest()
    return f"d/{day:%Y-%m-%d}/k/{digest}"


def day_of(stream: str) -> str | None:
    """The day that a stream belongs to, yyyy-mm-dd; None: it is kept for ever."""
    return stream[2:12] if stream.startswith(DAYS) else None


def is_of_one_bot(stream: str) -> bool:
    """All events of it are of the bot that its name names."""
    return stream.startswith((BOTS, DAYS)) and not is_of_a_key(stream)


def is_of_a_key(stream: str) -> bool:
    return stream.startswith("k/", DAY_NAME_AT)


def day_stream(event: DayEvent) -> str:
    return f"d/{event.occurred_at.date().isoformat()}/{event.bot_id}"
