"""Everything that Telegram would know: the bots, their tokens, their chats and what waits for them."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import msgspec

from ops.sandbox import tokens
from ops.sandbox.chats import Chat, ChatState, refusal_of
from ops.sandbox.errors import Refusal
from ops.sandbox.inbox import Inbox

FIRST_BOT_ID = 7_000_000_001


class Webhook(msgspec.Struct):
    url: str
    secret_token: str = ""
    max_connections: int = 40
    has_custom_certificate: bool = False
    last_error_date: int | None = None
    last_error_message: str | None = None


class Bot:
    def __init__(self, bot_id: int, token: str, username: str, first_name: str) -> None:
        self.bot_id = bot_id
        self.token: str | None = token
        self.chats: dict[int, Chat] = {}
        self.states: dict[int, ChatState] = {}
        self.settings: dict[tuple[str, str], Any] = {}
        self.inbox = Inbox()
        self.webhook: Webhook | None = None
        self.poll: asyncio.Future[str] | None = None
        """The long poll that waits now; its result says what ended it."""
        self.name(username, first_name)

    def name(self, username: str, first_name: str) -> None:
        self.username = username
        self.first_name = first_name
        self.user = {"id": self.bot_id, "is_bot": True, "first_name": first_name, "username": username}

    def chat(self, chat_id: int) -> Chat:
        chat = self.chats.get(chat_id)
        if chat is None:
            chat = self.chats[chat_id] = Chat(chat_id)
        return chat


class World:
    def __init__(self, *, is_open: bool = False) -> None:
        self.is_open = is_open
        self.bots: dict[int, Bot] = {}
        self.states: dict[int, ChatState] = {}
        """Of chats that are the same for every bot; what a bot has of its own goes first."""
        self._by_token: dict[str, Bot] = {}
        self._ids = itertools.count(FIRST_BOT_ID)
        self._serials = itertools.count(1)

    def add_bot(self, token: str | None = None, username: str | None = None, first_name: str | None = None) -> Bot:
        bot_id = self._free_id() if token is None else tokens.bot_id_in(token)
        if bot_id is None:
            raise ValueError("a token looks like 123456:AAabc")
        if bot_id in self.bots:
            raise ValueError(f"there is a bot {bot_id} already")
        token = token or tokens.made_up(bot_id)
        bot = Bot(bot_id, token, username or f"sandbox_{bot_id}_bot", first_name or f"Bot {bot_id}")
        self.bots[bot_id] = self._by_token[token] = bot
        return bot

    def bot_of(self, token: str) -> Bot | None:
        bot = self._by_token.get(token)
        if bot is None and self.is_open and tokens.bot_id_in(token) not in {None, *self.bots}:
            return self.add_bot(token)
        return bot

    def known_id(self, token: str) -> int | None:
        """The bot that a token was of, though it is good no more."""
        bot_id = tokens.bot_id_in(token)
        return bot_id if bot_id in self.bots else None

    def revoke(self, bot: Bot) -> None:
        if bot.token is not None:
            del self._by_token[bot.token]
            bot.token = None

    def issue_token(self, bot: Bot) -> str:
        self.revoke(bot)
        token = tokens.made_up(bot.bot_id)
        bot.token = token
        self._by_token[token] = bot
        return token

    def refusal_for(self, bot: Bot, chat_id: int) -> Refusal | None:
        state = bot.states.get(chat_id) or self.states.get(chat_id)
        return None if state is None else refusal_of(state, chat_id)

    def serial(self) -> int:
        """A number that nothing else in this world has: for the ids of files, polls and albums."""
        return next(self._serials)

    def _free_id(self) -> int:
        return next(bot_id for bot_id in self._ids if bot_id not in self.bots)
