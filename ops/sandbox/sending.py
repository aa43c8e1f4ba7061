"""The methods that put a message into a chat."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ops.sandbox import attachments, markup
from ops.sandbox import params as p
from ops.sandbox.attachments import Content
from ops.sandbox.errors import CAPTION_TOO_LONG, TEXT_EMPTY, TEXT_TOO_LONG, bad_request
from ops.sandbox.params import Params
from ops.sandbox.world import Bot, World

Method = Callable[[World, Bot, Params], Any]

TEXT_LENGTH_MAX = 4096
CAPTION_LENGTH_MAX = 1024


def now() -> int:
    return int(time.time())


def checked_text(params: Params, name: str = "text") -> str:
    """The text as it is; what marks it up stays in it, so that tests can look for what was sent."""
    text = p.text(params, name)
    if not text or text.isspace():
        raise bad_request(TEXT_EMPTY)
    if len(text) > TEXT_LENGTH_MAX:
        raise bad_request(TEXT_TOO_LONG)
    refuse_bad_markup(params, text)
    return text


def caption(params: Params) -> Content:
    text = p.text(params, "caption")
    if len(text) > CAPTION_LENGTH_MAX:
        raise bad_request(CAPTION_TOO_LONG)
    refuse_bad_markup(params, text)
    return {"caption": text} if text else {}


def refuse_bad_markup(params: Params, text: str) -> None:
    parse_mode = params.get("parse_mode")
    if parse_mode:
        problem = markup.problem_in(text, str(parse_mode))
        if problem is not None:
            raise problem


def inline_keyboard(params: Params) -> dict[str, Any] | None:
    """Only a keyboard inside the message is part of it; the others go to the user's own."""
    if not params.get("reply_markup"):
        return None
    given = p.structure(params, "reply_markup")
    return given if isinstance(given, dict) and "inline_keyboard" in given else None


def posted(bot: Bot, params: Params, method: str, content: Content) -> Content:
    chat = bot.chat(p.chat_id(params))
    message = chat.post(method, bot.user, content, now(), inline_keyboard(params))
    return chat.as_telegram_shows(message)


def send_message(_: World, bot: Bot, params: Params) -> Content:
    return posted(bot, params, "sendMessage", {"text": checked_text(params)})


def sender_of_a_file(method: str, kind: str) -> Method:
    def send(world: World, bot: Bot, params: Params) -> Content:
        content = attachments.media(world, params, kind, params.get(kind))
        return posted(bot, params, method, {**content, **caption(params)})

    return send


def sender_without_a_file(method: str, made: Callable[[World, Params], Content]) -> Method:
    def send(world: World, bot: Bot, params: Params) -> Content:
        return posted(bot, params, method, made(world, params))

    return send


def send_media_group(world: World, bot: Bot, params: Params) -> list[Content]:
    items = p.structure(params, "media")
    if not isinstance(items, list) or not items:
        raise bad_request("Bad Request: there are no messages to send")
    group = {"media_group_id": str(world.serial())}
    contents = [
        {**attachments.media(world, params, item["type"], item.get("media")), **caption(item), **group}
        for item in items
        if isinstance(item, dict) and str(item.get("type")) in {"photo", "video", "audio", "document"}
    ]
    if len(contents) != len(items):
        raise bad_request("Bad Request: can't parse InputMedia")
    return [posted(bot, params, "sendMediaGroup", content) for content in contents]


SENDING: dict[str, Method] = {
    "sendMessage": send_message,
    "sendMediaGroup": send_media_group,
    **{method: sender_of_a_file(method, kind) for method, kind in attachments.WITH_A_FILE.items()},
    **{method: sender_without_a_file(method, made) for method, made in attachments.WITHOUT_A_FILE.items()},
}
