"""The methods that only ask: who the bot is, and what a chat is."""

from __future__ import annotations

from typing import Any

from ops.sandbox import params as p
from ops.sandbox.chats import describe
from ops.sandbox.params import Params
from ops.sandbox.sending import Method
from ops.sandbox.world import Bot, World

ABILITIES = {
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
    "can_connect_to_business": False,
    "has_main_web_app": False,
    "has_topics_enabled": False,
    "allows_users_to_create_topics": False,
    "can_manage_bots": False,
}


def get_me(_: World, bot: Bot, __: Params) -> dict[str, Any]:
    return {**bot.user, **ABILITIES}


def get_chat(_: World, __: Bot, params: Params) -> dict[str, Any]:
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return {
        **describe(p.chat_id(params)),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, True),
    }


def get_chat_member(_: World, bot: Bot, params: Params) -> dict[str, Any]:
    p.chat_id(params)
    user_id = p.integer(params, "user_id")
    user = bot.user if user_id == bot.bot_id else {"id": user_id, "is_bot": False, "first_name": f"User {user_id}"}
    return {"status": "member", "user": user}


ASKING: dict[str, Method] = {"getMe": get_me, "getChat": get_chat, "getChatMember": get_chat_member}
