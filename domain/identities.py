"""Who a bot is to Telegram, and by which token: as its events change it. And the words for a token that is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain import events

if TYPE_CHECKING:
    from domain.bot import Bot, Identity

ADMIN, BOTLOFT = "admin", "botloft"
"""Who acts beside its tenant; the second where nobody was asked."""
REVOKED = "Telegram refuses the bot's token: it was revoked or replaced"
"""Why a bot was suspended."""


def is_refused(bot: Bot) -> bool:
    """Suspended since Telegram refuses its token: then another token, or Telegram's word, puts it to work again."""
    return bot.suspended_by == BOTLOFT and bot.suspended == REVOKED


def way_back(bot: Bot) -> str:
    """From a suspension, for its tenant."""
    if is_refused(bot):
        return new_token(bot.bot_id)
    if bot.suspended_by == ADMIN:
        return "An operator has suspended it: ask them to resume it."
    return f"POST /api/bots/{bot.bot_id}/resume puts it to work again."


def new_token(bot_id: int) -> str:
    return f"Take its current token from @BotFather and PUT it to /api/bots/{bot_id}/token."


def changed(bot: Bot, event: events.TokenRotated | events.BotRenamed) -> dict[str, object]:
    """A token is its tenant's own; the name is the same for whoever claims the bot."""

    def after(who: Identity) -> Identity:
        if isinstance(event, events.BotRenamed):
            return msgspec.structs.replace(who, username=event.username, first_name=event.first_name)
        if who.tenant_id != event.tenant_id:
            return who
        return msgspec.structs.replace(who, token_sealed=event.token_sealed, token_fingerprint=event.token_fingerprint)

    claims = {tenant_id: after(who) for tenant_id, who in bot.claims.items()}
    return {"owner": after(bot.owner) if bot.owner is not None else None, "claims": claims}
