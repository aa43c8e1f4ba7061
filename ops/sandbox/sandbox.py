"""The whole sandbox as one value: what both of its faces, the Bot API and the control, act upon."""

from __future__ import annotations

from ops.sandbox.calls import Calls
from ops.sandbox.connections import Connections
from ops.sandbox.couriers import Couriers
from ops.sandbox.errors import Refusal
from ops.sandbox.faults import Faults
from ops.sandbox.flood import Flood, Limits
from ops.sandbox.methods import execute
from ops.sandbox.names import METHODS
from ops.sandbox.params import chat_id_in
from ops.sandbox.world import Bot, World

RETRY_BASE_S = 2.0
IGNORED_IN_AN_ANSWER = {"setwebhook", "deletewebhook", "close", "logout"}


class Sandbox:
    def __init__(
        self, *, is_open: bool = False, flood: bool = False, keep_calls: bool = True, retry_base_s: float = RETRY_BASE_S
    ) -> None:
        self.world = World(is_open=is_open)
        self.faults = Faults()
        self.flood = Flood(Limits()) if flood else None
        self.calls = Calls(keep=keep_calls)
        self.connections = Connections()
        self.couriers = Couriers(self.act_on_answer, retry_base_s)

    def act_on_answer(self, bot: Bot, answer: dict[str, object]) -> None:
        """Execute the call in a webhook's answer. Its result is lost, and some methods are passed over there."""
        asked = str(answer.pop("method")).lower()
        method = METHODS.get(asked)
        if method is None or asked in IGNORED_IN_AN_ANSWER or asked.startswith("get"):
            return
        call = self.calls.arrived(bot.bot_id, method, chat_id_in(answer.get("chat_id")))
        try:
            execute(self.world, bot, method, answer)
        except Refusal as refused:
            call.status = refused.code
        else:
            call.status, call.effect = 200, True
