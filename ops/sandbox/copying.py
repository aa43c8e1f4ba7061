"""The methods that send a message once more: copies and forwards."""

from __future__ import annotations

from typing import Any

from ops.sandbox import params as p
from ops.sandbox.attachments import Content
from ops.sandbox.chats import Message
from ops.sandbox.errors import TO_COPY_NOT_FOUND, TO_FORWARD_NOT_FOUND, bad_request
from ops.sandbox.params import Params
from ops.sandbox.sending import Method, caption, posted
from ops.sandbox.world import Bot, World


def _source(bot: Bot, params: Params, message_id: int) -> Message | None:
    return bot.chat(p.chat_id(params, "from_chat_id")).messages.get(message_id)


def _forwarded(message: Message) -> Content:
    origin = {"type": "user", "date": message.date, "sender_user": message.sender}
    return {**message.content, "forward_origin": origin}


def copy_message(_: World, bot: Bot, params: Params) -> dict[str, int]:
    source = _source(bot, params, p.integer(params, "message_id"))
    if source is None:
        raise bad_request(TO_COPY_NOT_FOUND)
    content = source.content if params.get("caption") is None else {**source.content, **caption(params)}
    return {"message_id": posted(bot, params, "copyMessage", content)["message_id"]}


def forward_message(_: World, bot: Bot, params: Params) -> Content:
    source = _source(bot, params, p.integer(params, "message_id"))
    if source is None:
        raise bad_request(TO_FORWARD_NOT_FOUND)
    return posted(bot, params, "forwardMessage", _forwarded(source))


def _many(params: Params, bot: Bot, refusal: str) -> list[Message]:
    found = [_source(bot, params, message_id) for message_id in p.integers(params, "message_ids")]
    # Those which are gone are passed over, as Telegram does; only nothing at all is refused.
    messages = [message for message in found if message is not None]
    if not messages:
        raise bad_request(refusal)
    return messages


def _ids(shown: list[Content]) -> list[dict[str, Any]]:
    return [{"message_id": message["message_id"]} for message in shown]


def copy_messages(_: World, bot: Bot, params: Params) -> list[dict[str, Any]]:
    found = _many(params, bot, "Bad Request: there are no messages to copy")
    return _ids([posted(bot, params, "copyMessages", message.content) for message in found])


def forward_messages(_: World, bot: Bot, params: Params) -> list[dict[str, Any]]:
    found = _many(params, bot, "Bad Request: there are no messages to forward")
    return _ids([posted(bot, params, "forwardMessages", _forwarded(message)) for message in found])


COPYING: dict[str, Method] = {
    "copyMessage": copy_message,
    "copyMessages": copy_messages,
    "forwardMessage": forward_message,
    "forwardMessages": forward_messages,
}
