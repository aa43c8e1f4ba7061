"""What each method does to the world: one table, and the way through it."""

from __future__ import annotations

from typing import Any

from ops.sandbox.asking import ASKING
from ops.sandbox.copying import COPYING
from ops.sandbox.editing import EDITING
from ops.sandbox.params import Params, chat_id_in
from ops.sandbox.sending import SENDING, Method
from ops.sandbox.settings import SETTINGS
from ops.sandbox.webhooks import WEBHOOKS
from ops.sandbox.world import Bot, World

IMPLEMENTED: dict[str, Method] = {**SENDING, **COPYING, **EDITING, **ASKING, **SETTINGS, **WEBHOOKS}


def execute(world: World, bot: Bot, method: str, params: Params) -> Any:
    """The result of a call, or a Refusal. A method that is not modelled is simply done."""
    if bot.states or world.states:
        _refuse_by_state(world, bot, params)
    implemented = IMPLEMENTED.get(method)
    return True if implemented is None else implemented(world, bot, params)


def _refuse_by_state(world: World, bot: Bot, params: Params) -> None:
    chat_id = chat_id_in(params.get("chat_id"))
    refusal = None if chat_id is None else world.refusal_for(bot, chat_id)
    if refusal is not None:
        raise refusal
