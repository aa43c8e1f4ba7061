"""What may be known of an update without reading it: its kind, its chat, the bot command that it begins with."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import msgspec

Kind = Literal[
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "guest_message",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
    "subscription",
    "stopped_message_generation",
]
"""What Telegram brings on demand. Whatever else it brings is taken as well."""
MAX_COMMAND = 32
"""Telegram's own bound for the name of a bot command."""
_NAME = re.compile(r"\w*", re.ASCII)


class Update(NamedTuple):
    update_id: int
    kind: str
    lane: str
    """What it stays in order with: its chat, or its user where there is none."""
    chat: str | None
    chat_type: str | None
    command: str | None
    to: str | None = None
    """The bot that the command names, as in `/start@my_bot 17`, in lower case; None: whichever bot gets it."""


class NoUpdate(ValueError):
    """It is not what Telegram brings."""


MAX_ID = 2**53
_whole = msgspec.json.Decoder(dict[str, Any]).decode


def read(body: bytes) -> Update:
    """Of one update as Telegram writes it. Raises NoUpdate."""
    try:
        whole = _whole(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NoUpdate("The body is no update.") from None
    update_id = whole.get("update_id")
    if type(update_id) is not int or not 0 <= update_id < MAX_ID:
        raise NoUpdate("The body is no update: it has no number.")
    kind = next((name for name in whole if name != "update_id"), "")
    content = whole.get(kind)
    if not isinstance(content, dict):
        raise NoUpdate("The body is no update: there is nothing in it.")
    chat = _chat_of(content)
    chat_id = _id_of(chat)
    user_id = _id_of(content.get("from")) or _id_of(content.get("user"))
    chat_type = chat.get("type") if isinstance(chat, dict) else None
    return Update(
        update_id,
        kind[:64],
        chat_id or f"user:{user_id or ''}",
        chat_id,
        chat_type[:32] if isinstance(chat_type, str) else None,
        *_command_of(content),
    )


def argument_in(body: bytes) -> str:
    """What follows the bot command that `read` has found in a message, empty where nothing does; never kept."""
    _, *rest = _whole(body)["message"]["text"].split(maxsplit=1)
    return rest[0].strip() if rest else ""


def _chat_of(content: dict[str, Any]) -> Any:
    if "chat" in content:
        return content["chat"]
    message = content.get("message")
    return message.get("chat") if isinstance(message, dict) else None


def _id_of(thing: Any) -> str | None:
    found = thing.get("id") if isinstance(thing, dict) else None
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else None


def _command_of(content: dict[str, Any]) -> tuple[str | None, str | None]:
    """`/start@my_bot 17` is `start`, and to `my_bot`: what follows may be anything, a secret too."""
    text = content.get("text")
    if not isinstance(text, str) or not text.startswith("/"):
        return None, None
    # The slash stays on: split() would take what comes after blanks for the name.
    name, at, rest = text.split(maxsplit=1)[0].removeprefix("/").partition("@")
    is_one = 0 < len(name) <= MAX_COMMAND and name.isascii() and name.replace("_", "").isalnum()
    if not is_one:
        return None, None
    to = _NAME.match(rest) if at else None
    return name.lower(), to[0].lower() if to is not None else None
