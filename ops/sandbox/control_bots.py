"""Control of bots, of the chats they know, and of what users say to them."""

from __future__ import annotations

from typing import Any

import msgspec

from ops.sandbox.chats import REFUSING_STATES, ChatState, MigratedTo
from ops.sandbox.control_errors import bot_numbered
from ops.sandbox.sandbox import Sandbox
from ops.sandbox.saying import message_from_a_user
from ops.sandbox.world import Bot


class BotWanted(msgspec.Struct, forbid_unknown_fields=True):
    token: str | None = None
    username: str | None = None
    first_name: str | None = None


class NewName(msgspec.Struct, forbid_unknown_fields=True):
    username: str | None = None
    first_name: str | None = None


class StateWanted(msgspec.Struct, forbid_unknown_fields=True):
    chat_id: int
    state: ChatState
    bot_id: int | None = None


class Said(msgspec.Struct, forbid_unknown_fields=True):
    bot_id: int
    chat_id: int
    text: str
    user_id: int | None = None
    count: int = 1


class RawUpdate(msgspec.Struct, forbid_unknown_fields=True):
    bot_id: int
    update: dict[str, Any]


def _with_token(bot: Bot) -> dict[str, Any]:
    return {"bot_id": bot.bot_id, "token": bot.token, "username": bot.username}


def add_bot(sandbox: Sandbox, body: bytes) -> dict[str, Any]:
    wanted = msgspec.json.decode(body, type=BotWanted)
    return _with_token(sandbox.world.add_bot(wanted.token, wanted.username, wanted.first_name))


def list_bots(sandbox: Sandbox, _: dict[str, str]) -> dict[str, Any]:
    return {
        "bots": [
            {
                "bot_id": bot.bot_id,
                "username": bot.username,
                "first_name": bot.first_name,
                "revoked": bot.token is None,
                "pending_updates": len(bot.inbox.pending),
            }
            for bot in sandbox.world.bots.values()
        ]
    }


def rename(sandbox: Sandbox, body: bytes, bot_id: int) -> dict[str, Any]:
    bot, new = bot_numbered(sandbox.world, bot_id), msgspec.json.decode(body, type=NewName)
    bot.name(new.username or bot.username, new.first_name or bot.first_name)
    return {"bot_id": bot_id, "username": bot.username, "first_name": bot.first_name}


def revoke(sandbox: Sandbox, _: bytes, bot_id: int) -> dict[str, Any]:
    sandbox.world.revoke(bot_numbered(sandbox.world, bot_id))
    return {"bot_id": bot_id, "revoked": True}


def issue_token(sandbox: Sandbox, _: bytes, bot_id: int) -> dict[str, Any]:
    bot = bot_numbered(sandbox.world, bot_id)
    sandbox.world.issue_token(bot)
    return _with_token(bot)


def set_chat_state(sandbox: Sandbox, body: bytes) -> dict[str, Any]:
    wanted = msgspec.json.decode(body, type=StateWanted)
    if not isinstance(wanted.state, MigratedTo) and wanted.state not in {"ok", *REFUSING_STATES}:
        raise ValueError(f"a chat is never {wanted.state!r}")
    world = sandbox.world
    states = world.states if wanted.bot_id is None else bot_numbered(world, wanted.bot_id).states
    states[wanted.chat_id] = wanted.state
    return {"chat_id": wanted.chat_id, "state": wanted.state}


def say(sandbox: Sandbox, body: bytes) -> dict[str, Any]:
    said = msgspec.json.decode(body, type=Said)
    bot = bot_numbered(sandbox.world, said.bot_id)
    ids = [
        bot.inbox.receive(message_from_a_user(bot, said.chat_id, said.user_id, said.text)) for _ in range(said.count)
    ]
    return {"update_ids": [update_id for update_id in ids if update_id is not None]}


def add_update(sandbox: Sandbox, body: bytes) -> dict[str, Any]:
    raw = msgspec.json.decode(body, type=RawUpdate)
    return {"update_id": bot_numbered(sandbox.world, raw.bot_id).inbox.receive(raw.update)}
