"""What a test may look at: the chats as their users see them, the calls, and the counts."""

from __future__ import annotations

from typing import Any

from ops.sandbox.chats import Chat, Message
from ops.sandbox.control_errors import bot_numbered
from ops.sandbox.names import METHODS
from ops.sandbox.sandbox import Sandbox

Query = dict[str, str]


def _bot_id(query: Query) -> int:
    if "bot_id" not in query:
        raise ValueError("say which bot: ?bot_id=")
    return int(query["bot_id"])


def _shown(chat_id: int, message: Message) -> dict[str, Any]:
    return {
        "chat_id": chat_id,
        "message_id": message.message_id,
        "text": message.content.get("text", message.content.get("caption")),
        "method": message.method,
        "date": message.date,
        "edited": message.edit_date is not None,
    }


def _from_the_bot(chat_id: int, chat: Chat) -> list[dict[str, Any]]:
    return [_shown(chat_id, message) for message in chat.messages.values() if message.method]


def chat(sandbox: Sandbox, query: Query, chat_id: int) -> dict[str, Any]:
    known = bot_numbered(sandbox.world, _bot_id(query)).chats.get(chat_id)
    if known is None:
        return {"messages": [], "sent": 0}
    return {"messages": _from_the_bot(chat_id, known), "sent": known.sent}


def messages(sandbox: Sandbox, query: Query) -> dict[str, Any]:
    chats = bot_numbered(sandbox.world, _bot_id(query)).chats
    return {
        "messages": [shown for chat_id, known in chats.items() for shown in _from_the_bot(chat_id, known)],
        "sent": sum(known.sent for known in chats.values()),
    }


def calls(sandbox: Sandbox, query: Query) -> dict[str, Any]:
    bot_id = _bot_id(query) if "bot_id" in query else None
    method = query.get("method")
    method = None if method is None else METHODS.get(method.lower(), method)
    return {"calls": sandbox.calls.chosen(bot_id, method, int(query.get("since", "0")))}


def forget_calls(sandbox: Sandbox, _: bytes) -> dict[str, bool]:
    sandbox.calls.kept.clear()
    return {"forgotten": True}


def stats(sandbox: Sandbox, _: Query) -> dict[str, Any]:
    connections = sandbox.connections
    return {**sandbox.calls.summary(), "connections": len(connections), "connections_peak": connections.peak}
