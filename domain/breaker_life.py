"""A bot's breaker, as far as its life keeps it: until when it is open, and whether an operator has forced it.

One that opened by itself is the affair of whoever had the bot: a removal and a registration end it. What an operator
forced open stays so until an operator resets it, whoever has the bot meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from domain import events

if TYPE_CHECKING:
    from domain.bot import Bot

_CLOSED: dict[str, object] = {"breaker_open_until": None, "breaker_forced": False, "forced_because": ""}


def changes(event: events.Event) -> dict[str, object]:
    """What this event makes of it in a bot's life."""
    match event:
        case events.BreakerOpened():
            cooldown_s = (event.until - event.occurred_at).total_seconds()
            return {**_CLOSED, "breaker_open_until": event.until, "breaker_cooldown_s": cooldown_s}
        case events.BreakerForced():
            return {**_CLOSED, "breaker_forced": True, "forced_because": event.reason}
        case events.BreakerClosed() | events.BotRegistered():
            return _CLOSED
        case events.BotRemoved():
            return {"breaker_open_until": None}
        case _:
            return {}


def still_forced(bot: Bot, tenant_id: str, now: datetime) -> tuple[events.Event, ...]:
    """With a registration. It is said again, so that whoever folds a bot's life from there knows it."""
    if not bot.breaker_forced:
        return ()
    forced = events.BreakerForced(occurred_at=now, bot_id=bot.bot_id, tenant_id=tenant_id, reason=bot.forced_because)
    return (forced,)
