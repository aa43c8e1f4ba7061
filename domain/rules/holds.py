"""Where Telegram said "not before", and until when.

A hold covers one scope: a chat, a method, or the whole bot. Nothing leaves into a held scope until it is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BOT = "bot"
BOT_IF_WITHIN_S = 1.0
"""Two chats held within this time: it is the bot that is too fast, not one conversation."""


@dataclass(frozen=True, slots=True)
class Holds:
    until: Mapping[str, float] = field(default_factory=dict)
    last_chat: str | None = None
    last_at: float = 0.0


NONE = Holds()


def scope_of(method: str, chat: str | None) -> str:
    """What a 429 to this call holds: its chat if it names one, else its method."""
    return f"method:{method}" if chat is None else f"chat:{chat}"


def held_until(holds: Holds, method: str, chat: str | None, now: float) -> float | None:
    """When a call with this method and chat may leave, or None: now."""
    if not holds.until:
        return None
    scopes = (BOT, f"method:{method}") if chat is None else (BOT, f"chat:{chat}")
    latest = max(holds.until.get(scope, now) for scope in scopes)
    return latest if latest > now else None


def placed(holds: Holds, scope: str, retry_after_s: float, now: float) -> Holds:
    chat = scope if scope.startswith("chat:") else None
    another = chat is not None and holds.last_chat not in (None, chat)
    key = BOT if another and now - holds.last_at <= BOT_IF_WITHIN_S else scope
    # A shorter answer never shortens a longer hold, and what is over need not be remembered.
    active = {held: end for held, end in holds.until.items() if end > now}
    active[key] = max(active.get(key, now), now + retry_after_s)
    return Holds(active, chat or holds.last_chat, now if chat else holds.last_at)


def restored(holds: Holds, scope: str, until: float) -> Holds:
    """A hold read back from the log."""
    return Holds({**holds.until, scope: max(until, holds.until.get(scope, until))}, holds.last_chat, holds.last_at)


def any_active(holds: Holds, now: float) -> bool:
    return any(end > now for end in holds.until.values())
