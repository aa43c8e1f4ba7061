"""The methods that say where a bot's updates are to be brought."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from ops.sandbox import params as p
from ops.sandbox.errors import POLL_ENDED_BY_WEBHOOK, Refusal, bad_request
from ops.sandbox.params import Params
from ops.sandbox.sending import Method
from ops.sandbox.world import Bot, Webhook, World

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
PORTS = {80, 88, 443, 8443}
SECRET_LENGTH_MAX = 256
CONNECTIONS_MAX = 100
CONNECTIONS_USUAL = 40


def _refusal_of_url(url: str) -> Refusal | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return bad_request("Bad Request: bad webhook: URL is invalid")
    # What runs on this machine may speak plain HTTP on any port, as with a local Bot API server.
    if parts.hostname in LOOPBACK and parts.scheme in {"http", "https"}:
        return None
    if parts.scheme != "https" or not parts.hostname:
        return bad_request("Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if (port or 443) not in PORTS:
        return bad_request("Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    return None


def _refusal_of_secret(secret: str) -> Refusal | None:
    if len(secret) > SECRET_LENGTH_MAX:
        return bad_request("Bad Request: secret token is too long")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
        return bad_request("Bad Request: secret token contains unallowed characters")
    return None


def set_webhook(world: World, bot: Bot, params: Params) -> bool:
    url, secret = p.text(params, "url"), p.text(params, "secret_token")
    if not url:
        return delete_webhook(world, bot, params)
    refusal = _refusal_of_url(url) or _refusal_of_secret(secret)
    if refusal is not None:
        raise refusal
    connections = p.integer(params, "max_connections", CONNECTIONS_USUAL)
    _drop_pending_if_asked(bot, params)
    if "allowed_updates" in params:
        bot.inbox.allow(p.strings(params, "allowed_updates"))
    bot.webhook = Webhook(
        url=url,
        secret_token=secret,
        max_connections=min(max(connections, 1), CONNECTIONS_MAX),
        has_custom_certificate=bool(params.get("certificate")),
    )
    if bot.poll is not None:
        if not bot.poll.done():
            bot.poll.set_result(POLL_ENDED_BY_WEBHOOK)
        bot.poll = None
    return True


def delete_webhook(_: World, bot: Bot, params: Params) -> bool:
    _drop_pending_if_asked(bot, params)
    bot.webhook = None
    return True


def get_webhook_info(_: World, bot: Bot, __: Params) -> dict[str, Any]:
    webhook = bot.webhook or Webhook(url="")
    info: dict[str, Any] = {
        "url": webhook.url,
        "has_custom_certificate": webhook.has_custom_certificate,
        "pending_update_count": len(bot.inbox.pending),
    }
    if webhook.url:
        info["max_connections"] = webhook.max_connections
    if webhook.last_error_date is not None:
        info["last_error_date"] = webhook.last_error_date
        info["last_error_message"] = webhook.last_error_message
    if bot.inbox.allowed:
        info["allowed_updates"] = sorted(bot.inbox.allowed)
    return info


def _drop_pending_if_asked(bot: Bot, params: Params) -> None:
    if p.flag(params, "drop_pending_updates"):
        bot.inbox.pending.clear()


WEBHOOKS: dict[str, Method] = {
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
}
