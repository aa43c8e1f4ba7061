"""What a bot says about itself: each setting is kept by scope and language, and given back as it was set."""

from __future__ import annotations

from typing import Any

import msgspec

from ops.sandbox import params as p
from ops.sandbox.params import Params
from ops.sandbox.sending import Method
from ops.sandbox.world import Bot, World

WHOSE = ("scope", "language_code", "chat_id", "for_channels")
"""The parameters that say which of several values is meant."""


def _key(setting: str, params: Params) -> tuple[str, str]:
    whose = {
        name: p.structure(params, name) if name == "scope" else str(params[name]) for name in WHOSE if name in params
    }
    return setting, msgspec.json.encode(whose, order="deterministic").decode()


def _setter(setting: str, field: str) -> Method:
    def set_it(_: World, bot: Bot, params: Params) -> bool:
        value = params.get(field, "") if field in PLAIN else p.structure(params, field)
        if value:
            bot.settings[_key(setting, params)] = value
        else:
            bot.settings.pop(_key(setting, params), None)
        return True

    return set_it


def _getter(setting: str, field: str, default: Any) -> Method:
    def get_it(_: World, bot: Bot, params: Params) -> Any:
        value = bot.settings.get(_key(setting, params), default)
        if not value and setting == "MyName":
            value = bot.first_name
        return {field: value} if field in PLAIN else value

    return get_it


def _forget_commands(_: World, bot: Bot, params: Params) -> bool:
    bot.settings.pop(_key("MyCommands", params), None)
    return True


PLAIN = {"name", "description", "short_description"}
KEPT: dict[str, tuple[str, Any]] = {
    "MyName": ("name", ""),
    "MyDescription": ("description", ""),
    "MyShortDescription": ("short_description", ""),
    "MyCommands": ("commands", []),
    "ChatMenuButton": ("menu_button", {"type": "commands"}),
}

SETTINGS: dict[str, Method] = {
    "deleteMyCommands": _forget_commands,
    **{f"set{setting}": _setter(setting, field) for setting, (field, _) in KEPT.items()},
    **{f"get{setting}": _getter(setting, field, default) for setting, (field, default) in KEPT.items()},
}
