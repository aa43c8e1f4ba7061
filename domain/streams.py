"""Which stream an event belongs to: lifecycles for ever, and what happened on a day."""

from __future__ import annotations

import hashlib
import hmac
from datetime import date

from domain.events import DayEvent


def tenant_stream(tenant_id: str) -> str:
    return f"tenant/{tenant_id}"


def bot_stream(bot_id: int) -> str:
    return f"bot/{bot_id}"


BOTS = "bot/"
TENANTS = "tenant/"
DAYS = "d/"
DAY_NAME_AT = len("d/2026-07-01/")


def key_stream(day: date, tenant_id: str, key: str) -> str:
    """Version 1 of it is the acceptance, so the store itself refuses a second one for the same key."""
    digest = hmac.new(tenant_id.encode(), key.encode(), hashlib.sha256).hexdigest()
    return f"d/{day:%Y-%m-%d}/k/{digest}"


def is_of_one_bot(stream: str) -> bool:
    """All events of it are of the bot that its name names."""
    return stream.startswith((BOTS, DAYS)) and not is_of_a_key(stream)


def is_of_a_key(stream: str) -> bool:
    return stream.startswith("k/", DAY_NAME_AT)


def day_stream(event: DayEvent) -> str:
    return f"d/{event.occurred_at:%Y-%m-%d}/{event.bot_id}"
