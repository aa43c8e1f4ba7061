"""Every problem code: its HTTP status, its title, and what its reader can do. One table, also served as pages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Kind(NamedTuple):
    status: int
    title: str
    advice: str
    """Said where nothing more exact is known, and behind the cause of a command's problem."""


PROBLEMS: Mapping[str, Kind] = MappingProxyType({
    # The request
    "invalid_request": Kind(400, "The request is not as it must be", "Correct what is named and send it again."),
    "unauthenticated": Kind(401, "No valid key", "Send your API key as `Authorization: Bearer blk_…`."),
    "forbidden": Kind(403, "The key does not allow this", "Use a key with the scope that this route asks for."),
    "csrf": Kind(
        403, "This may not come from your own page", "Send the csrf_token of GET /auth/session in X-CSRF-Token."
    ),
    "not_found": Kind(404, "There is nothing here", "Check the address and the ids in it."),
    "unknown_method": Kind(404, "No such Bot API method", "Check the method's name against Telegram's Bot API."),
    "method_not_allowed": Kind(405, "Not with this HTTP method", "The Allow header names those that this route takes."),
    "before_retention": Kind(410, "Older than what is kept", "Ask for a time after the horizon that is named."),
    "request_timeout": Kind(
        408, "The request did not arrive", "Nothing was done. Send it again, faster; this connection is closed."
    ),
    "body_too_large": Kind(413, "The body is too large", "Send a smaller body; this connection is closed."),
    "headers_too_large": Kind(
        431, "The headers are too large", "Send fewer or shorter headers; this connection is closed."
    ),
    "method_refused": Kind(422, "Not a command here", "Use the route that the detail names."),
    "idempotency_mismatch": Kind(
        422, "This idempotency key belongs to another body", "Take a new Idempotency-Key for a new command."
    ),
    "idempotency_in_flight": Kind(
        409, "The command with this idempotency key is still open", "Wait for its outcome, then ask again."
    ),
    "too_many_streams": Kind(
        429, "Too many event streams with this key", "Close one, or wait until one ends; then ask again."
    ),
    "too_many_requests": Kind(
        429,
        "Too many requests",
        "Nothing was done. Send it again after the time in Retry-After; the RateLimit headers say what you may.",
    ),
    # The bot
    "bot_exists": Kind(409, "You have this bot already", "GET /api/bots lists your bots."),
    "token_format": Kind(
        422, "This is no bot token", "Copy the token whole from @BotFather: a number, a colon, and letters and digits."
    ),
    "token_unauthorized": Kind(
        409,
        "Telegram refuses the bot's token",
        "Take its current token from @BotFather; PUT /api/bots/{bot_id}/token gives it to a bot that you have.",
    ),
    "token_mismatch": Kind(
        422, "This is another bot's token", "A bot goes on with a token of its own alone; POST /api/bots takes others."
    ),
    "token_unreachable": Kind(503, "Telegram could not be asked", "Nothing was changed; try again in a moment."),
    "bot_suspended": Kind(
        409,
        "The bot is suspended",
        "Nothing was sent. POST /api/bots/{bot_id}/resume puts it to work again; where Telegram refuses its token, "
        "PUT /api/bots/{bot_id}/token with a new one does, and where an operator suspended it, only they can. "
        "GET /api/bots/{bot_id} says why it is.",
    ),
    "bot_unverified": Kind(
        409,
        "The bot is not proven to be yours",
        "POST /api/bots/{bot_id}/verify-ownership gives a code that proves it; until then it takes no commands.",
    ),
    "bot_verified": Kind(409, "The bot is proven to be yours already", "There is nothing left to do."),
    "foreign_webhook": Kind(
        409, "The bot has a webhook elsewhere", "Remove it with the bot's token (deleteWebhook), then ask again."
    ),
    "updates_pushed": Kind(
        409, "Its updates are posted", 'PATCH /api/bots/{bot_id} {"callback_url": null} before you fetch them.'
    ),
    "updates_conflict": Kind(409, "Somebody else fetches its updates", "Fetch the updates of one bot in one place."),
    # The command
    "telegram_rejected": Kind(422, "Telegram refused the command", "Correct it; the same one is refused again."),
    "telegram_hold": Kind(
        429, "Telegram asked this bot to wait", "Nothing was sent. Send it again after the time in Retry-After."
    ),
    "rate_limited": Kind(
        429, "Too fast", "Nothing was sent. Send more slowly, and this one again after the time in Retry-After."
    ),
    "breaker_open": Kind(
        503,
        "The bot's breaker is open",
        "Nothing was sent. It rests after repeated failures, or an operator has shut it off: "
        "GET /api/bots/{bot_id}/health shows which. Send it again after the time in Retry-After.",
    ),
    "overloaded": Kind(
        503, "Too much is waiting", "Nothing was sent. Send it again after the time in Retry-After, and more slowly."
    ),
    "telegram_unreachable": Kind(
        503, "Telegram could not be reached", "Nothing was executed. Send it again after the time in Retry-After."
    ),
    "deadline_exceeded": Kind(
        503,
        "The deadline passed before it could leave",
        "Nothing was executed. Send it again, or give it more time with X-Deadline-S.",
    ),
    "cancelled": Kind(409, "The command was cancelled", "Nothing was sent. Send it again if it is wanted after all."),
    "not_cancellable": Kind(
        409, "Too late to cancel", "GET /api/commands/{command_id} tells what became of the command."
    ),
    "delivery_uncertain": Kind(
        504,
        "Nobody knows whether it was executed",
        "It may or may not have gone out, and it was not sent again. Look into the chat, or repeat it deliberately.",
    ),
    "delivery_unrecorded": Kind(
        504,
        "The outcome could not be recorded in time",
        "GET /api/commands/{command_id} tells what became of it, as soon as it is known.",
    ),
    # The gateway
    "shutting_down": Kind(503, "The gateway is stopping", "Nothing was done. Send it again after a few seconds."),
    "store_unavailable": Kind(503, "The event store does not answer", "Try again after the time in Retry-After."),
    "rebuild_runs": Kind(
        409, "A projection is being rebuilt", "GET /admin/system/projections shows how far it is: wait for its end."
    ),
    "not_stopped_there": Kind(
        409, "The projection does not stand still there", "GET /admin/system/projections names where it stands still."
    ),
    "cannot_rotate": Kind(
        409, "The master key cannot be changed now", "GET /admin/system/vault shows what is sealed under which key."
    ),
    "internal": Kind(
        500, "The gateway failed", "The fault is ours, and in our log under the request id: tell the operator."
    ),
})  # fmt: skip
