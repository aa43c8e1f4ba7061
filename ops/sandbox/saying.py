"""Updates as Telegram would make them when a user writes to a bot."""

from __future__ import annotations

import re
import time
from typing import Any

from ops.sandbox.chats import Message
from ops.sandbox.inbox import Update
from ops.sandbox.world import Bot

COMMAND = re.compile(r"(?<!\S)/[A-Za-z0-9_]{1,32}(?:@\w+)?")
SOMEBODY = 4242
"""Who speaks in a group when nobody is named."""


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def command_entities(text: str) -> list[dict[str, Any]]:
    return [
        {"type": "bot_command", "offset": _utf16_length(text[: found.start()]), "length": _utf16_length(found[0])}
        for found in COMMAND.finditer(text)
    ]


def message_from_a_user(bot: Bot, chat_id: int, user_id: int | None, text: str) -> Update:
    user_id = user_id or (chat_id if chat_id > 0 else SOMEBODY)
    sender = {"id": user_id, "is_bot": False, "first_name": f"User {user_id}", "language_code": "en"}
    content: dict[str, Any] = {"text": text}
    entities = command_entities(text)
    if entities:
        content["entities"] = entities
    chat = bot.chat(chat_id)
    message: Message = chat.post("", sender, content, int(time.time()))
    return {"message": chat.as_telegram_shows(message)}
