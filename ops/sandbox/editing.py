"""The methods that change or remove what stands in a chat."""

from __future__ import annotations

from typing import Any

from ops.sandbox import params as p
from ops.sandbox.attachments import Content
from ops.sandbox.chats import Chat, Message
from ops.sandbox.errors import (
    CANNOT_BE_EDITED,
    NO_CAPTION_TO_EDIT,
    NO_TEXT_TO_EDIT,
    NOT_MODIFIED,
    TO_DELETE_NOT_FOUND,
    TO_EDIT_NOT_FOUND,
    bad_request,
)
from ops.sandbox.params import Params
from ops.sandbox.sending import Method, caption, checked_text, inline_keyboard, now
from ops.sandbox.world import Bot, World


def _found(bot: Bot, params: Params) -> tuple[Chat, Message]:
    chat = bot.chat(p.chat_id(params))
    message = chat.messages.get(p.integer(params, "message_id"))
    if message is None:
        raise bad_request(TO_EDIT_NOT_FOUND)
    if not message.method:
        raise bad_request(CANNOT_BE_EDITED)
    return chat, message


def _changed(chat: Chat, message: Message, content: Content, keyboard: dict[str, Any] | None) -> Content:
    if content == message.content and keyboard == message.reply_markup:
        raise bad_request(NOT_MODIFIED)
    message.content, message.reply_markup, message.edit_date = content, keyboard, now()
    return chat.as_telegram_shows(message)


def edit_message_text(_: World, bot: Bot, params: Params) -> Content | bool:
    if params.get("inline_message_id"):
        return bool(checked_text(params))
    chat, message = _found(bot, params)
    text = checked_text(params)
    if "text" not in message.content:
        raise bad_request(NO_TEXT_TO_EDIT)
    return _changed(chat, message, {**message.content, "text": text}, inline_keyboard(params))


def edit_message_caption(_: World, bot: Bot, params: Params) -> Content | bool:
    if params.get("inline_message_id"):
        return True
    chat, message = _found(bot, params)
    if "text" in message.content:
        raise bad_request(NO_CAPTION_TO_EDIT)
    bare = {key: value for key, value in message.content.items() if key != "caption"}
    return _changed(chat, message, {**bare, **caption(params)}, inline_keyboard(params))


def edit_message_reply_markup(_: World, bot: Bot, params: Params) -> Content | bool:
    if params.get("inline_message_id"):
        return True
    chat, message = _found(bot, params)
    return _changed(chat, message, message.content, inline_keyboard(params))


def delete_message(_: World, bot: Bot, params: Params) -> bool:
    chat = bot.chat(p.chat_id(params))
    if chat.messages.pop(p.integer(params, "message_id"), None) is None:
        raise bad_request(TO_DELETE_NOT_FOUND)
    return True


def delete_messages(_: World, bot: Bot, params: Params) -> bool:
    chat = bot.chat(p.chat_id(params))
    for message_id in p.integers(params, "message_ids"):
        chat.messages.pop(message_id, None)
    return True


EDITING: dict[str, Method] = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
