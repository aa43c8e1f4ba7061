"""What aiogram makes of the answers: its own types are the judge of their shape."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiogram.methods
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramRetryAfter
from aiogram.types import BotCommand, BufferedInputFile, InputMediaPhoto, InputPollOption

from ops.sandbox.client import NewBot, SandboxClient
from ops.sandbox.names import METHODS

Run = Callable[[Callable[[Bot], Awaitable[Any]]], Any]
Send = Callable[[Bot], Awaitable[Any]]

FILE = BufferedInputFile(b"bytes", "a-file.bin")
CHAT = -1001234567890


@pytest.fixture
def run(sandbox: SandboxClient, bot: NewBot) -> Run:
    async def with_bot(use: Callable[[Bot], Awaitable[object]]) -> object:
        session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.base_url))
        async with Bot(bot.token, session=session) as aiogram_bot:
            return await use(aiogram_bot)

    return lambda use: asyncio.run(with_bot(use))


def test_the_names_of_methods_are_those_of_aiogram() -> None:
    known = {getattr(aiogram.methods, name) for name in aiogram.methods.__all__}
    names = {method.__api_method__ for method in known if isinstance(getattr(method, "__api_method__", None), str)}

    assert names == set(METHODS.values())


@pytest.mark.parametrize(
    ("kind", "send"),
    [
        ("text", lambda bot: bot.send_message(CHAT, "hi")),
        ("photo", lambda bot: bot.send_photo(CHAT, FILE, caption="c")),
        ("document", lambda bot: bot.send_document(CHAT, FILE)),
        ("video", lambda bot: bot.send_video(CHAT, FILE)),
        ("audio", lambda bot: bot.send_audio(CHAT, FILE)),
        ("voice", lambda bot: bot.send_voice(CHAT, FILE)),
        ("animation", lambda bot: bot.send_animation(CHAT, FILE)),
        ("sticker", lambda bot: bot.send_sticker(CHAT, FILE)),
        ("video_note", lambda bot: bot.send_video_note(CHAT, FILE)),
        ("location", lambda bot: bot.send_location(CHAT, 52.5, 13.4)),
        ("venue", lambda bot: bot.send_venue(CHAT, 52.5, 13.4, "Here", "A street")),
        ("contact", lambda bot: bot.send_contact(CHAT, "+49", "Ada")),
        ("poll", lambda bot: bot.send_poll(CHAT, "Well?", [InputPollOption(text="yes"), "no"])),
        ("dice", lambda bot: bot.send_dice(CHAT)),
    ],
)
def test_every_kind_of_message_can_be_read(run: Run, kind: str, send: Send) -> None:
    message = run(send)

    assert kind == message.content_type
    assert CHAT == message.chat.id


def test_an_album_is_several_messages(run: Run) -> None:
    messages = run(lambda bot: bot.send_media_group(CHAT, [InputMediaPhoto(media=FILE), InputMediaPhoto(media="id")]))

    assert [1, 2] == [message.message_id for message in messages]
    assert 1 == len({message.media_group_id for message in messages})


def test_a_message_lives_from_sending_to_deleting(run: Run, sandbox: SandboxClient, bot: NewBot) -> None:
    async def live(bot: Bot) -> list[object]:
        sent = await bot.send_message(5, "one")
        edited = await bot.edit_message_text("two", chat_id=5, message_id=sent.message_id)
        copied = await bot.copy_message(6, 5, sent.message_id)
        forwarded = await bot.forward_message(7, 5, sent.message_id)
        deleted = await bot.delete_message(5, sent.message_id)
        return [edited.text, copied.message_id, forwarded.forward_origin.type, deleted]

    assert ["two", 1, "user", True] == run(live)
    assert ["two", "two"] == sandbox.texts(bot.bot_id)


def test_asking_is_answered_in_types(run: Run, bot: NewBot) -> None:
    async def ask(bot: Bot) -> list[object]:
        await bot.set_my_commands([BotCommand(command="start", description="begin")])
        return [
            (await bot.get_me()).username,
            (await bot.get_chat(5)).type,
            (await bot.get_chat_member(CHAT, 5)).status,
            (await bot.get_my_commands())[0].command,
            (await bot.get_my_name()).name,
            (await bot.get_webhook_info()).url,
            await bot.send_chat_action(5, "typing"),
            await bot.answer_callback_query("1"),
        ]

    assert [bot.username, "private", "member", "start", f"Bot {bot.bot_id}", "", True, True] == run(ask)


def test_updates_can_be_read(run: Run, sandbox: SandboxClient, bot: NewBot) -> None:
    sandbox.say(bot.bot_id, -5, "/start", user_id=9)
    (update,) = run(lambda bot: bot.get_updates(timeout=5))

    assert (9, "group", "bot_command") == (
        update.message.from_user.id,
        update.message.chat.type,
        update.message.entities[0].type,
    )


def test_refusals_are_the_exceptions_that_aiogram_has_for_them(run: Run, sandbox: SandboxClient, bot: NewBot) -> None:
    with pytest.raises(TelegramBadRequest, match="message text is empty"):
        run(lambda bot: bot.send_message(5, " "))
    sandbox.fault("flood", retry_after=3, bot_id=bot.bot_id)
    with pytest.raises(TelegramRetryAfter) as flood:
        run(lambda bot: bot.send_message(5, "x"))

    assert 3 == flood.value.retry_after
