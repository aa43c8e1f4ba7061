"""One chat as one bot knows it: whether it may be written to, and the messages that its users see."""

from __future__ import annotations

from typing import Any

import msgspec

from ops.sandbox.errors import CHAT_NOT_FOUND, UPGRADED, Refusal

SUPERGROUPS_BELOW = -1_000_000_000_000
MESSAGES_KEPT_MAX = 100_000
"""In each chat; the oldest are forgotten first."""


class MigratedTo(msgspec.Struct, frozen=True):
    migrated_to: int


ChatState = str | MigratedTo
REFUSING_STATES = ("blocked", "kicked", "deactivated", "missing")


def chat_type(chat_id: int) -> str:
    if chat_id > 0:
        return "private"
    return "supergroup" if chat_id < SUPERGROUPS_BELOW else "group"


def describe(chat_id: int) -> dict[str, Any]:
    if chat_id > 0:
        return {"id": chat_id, "type": "private", "first_name": f"User {chat_id}"}
    return {"id": chat_id, "type": chat_type(chat_id), "title": f"Group {-chat_id}"}


def refusal_of(state: ChatState, chat_id: int) -> Refusal | None:
    match state:
        case MigratedTo(migrated_to):
            return Refusal(400, UPGRADED, {"migrate_to_chat_id": migrated_to})
        case "blocked":
            return Refusal(403, "Forbidden: bot was blocked by the user")
        case "kicked":
            return Refusal(403, f"Forbidden: bot was kicked from the {chat_type(chat_id)} chat")
        case "deactivated":
            return Refusal(403, "Forbidden: user is deactivated")
        case "missing":
            return Refusal(400, CHAT_NOT_FOUND)
        case _:
            return None


class Message(msgspec.Struct):
    """A message in a chat; `method` is empty when a user wrote it."""

    message_id: int
    date: int
    content: dict[str, Any]
    sender: dict[str, Any]
    method: str = ""
    reply_markup: dict[str, Any] | None = None
    edit_date: int | None = None


class Chat:
    __slots__ = ("description", "messages", "next_id", "sent")

    def __init__(self, chat_id: int) -> None:
        self.description = describe(chat_id)
        self.messages: dict[int, Message] = {}
        self.next_id = 1
        self.sent = 0

    def post(
        self,
        method: str,
        sender: dict[str, Any],
        content: dict[str, Any],
        date: int,
        reply_markup: dict[str, Any] | None = None,
    ) -> Message:
        message = Message(self.next_id, date, content, sender, method, reply_markup)
        self.messages[self.next_id] = message
        self.next_id += 1
        if method:
            self.sent += 1
        if len(self.messages) > MESSAGES_KEPT_MAX:
            del self.messages[next(iter(self.messages))]
        return message

    def as_telegram_shows(self, message: Message) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "message_id": message.message_id,
            "from": message.sender,
            "chat": self.description,
            "date": message.date,
            **message.content,
        }
        if message.edit_date is not None:
            shown["edit_date"] = message.edit_date
        if message.reply_markup is not None:
            shown["reply_markup"] = message.reply_markup
        return shown
