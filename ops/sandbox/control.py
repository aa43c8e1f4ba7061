"""The control face: which path asks for what. It is how a test or a demo plays Telegram's users and its bad days."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from ops.sandbox import control_bots, control_faults, control_views
from ops.sandbox.control_errors import NoSuch
from ops.sandbox.replies import JSON_TYPE, encode
from ops.sandbox.sandbox import Sandbox

PREFIX = "/_sandbox/"

Handler = Callable[..., Any]
"""Takes the sandbox, the body or the query, and the numbers in the path."""

ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "bots"): control_bots.add_bot,
    ("GET", "bots"): control_bots.list_bots,
    ("PATCH", "bots/#"): control_bots.rename,
    ("POST", "bots/#/revoke"): control_bots.revoke,
    ("POST", "bots/#/token"): control_bots.issue_token,
    ("POST", "chats"): control_bots.set_chat_state,
    ("POST", "say"): control_bots.say,
    ("POST", "updates"): control_bots.add_update,
    ("POST", "faults"): control_faults.add,
    ("GET", "faults"): control_faults.show,
    ("DELETE", "faults"): control_faults.clear,
    ("DELETE", "faults/#"): control_faults.remove,
    ("POST", "flood"): control_faults.set_flood,
    ("GET", "chats/#"): control_views.chat,
    ("GET", "messages"): control_views.messages,
    ("GET", "calls"): control_views.calls,
    ("DELETE", "calls"): control_views.forget_calls,
    ("GET", "stats"): control_views.stats,
}
NUMBER = re.compile(r"(?<=/)-?\d+")


async def answer(sandbox: Sandbox, request: web.BaseRequest) -> web.Response:
    path = request.path.removeprefix(PREFIX)
    handler = ROUTES.get((request.method, NUMBER.sub("#", path)))
    if handler is None:
        return _json(404, {"error": f"the sandbox has no {request.method} {path}"})
    given = dict(request.query) if request.method == "GET" else await request.read() or b"{}"
    numbers = [int(number) for number in NUMBER.findall(path)]
    try:
        return _json(200, handler(sandbox, given, *numbers))
    except NoSuch as missing:
        return _json(404, {"error": str(missing)})
    except (msgspec.DecodeError, ValueError) as wrong:
        return _json(400, {"error": str(wrong)})


def _json(status: int, content: object) -> web.Response:
    return web.Response(status=status, body=encode(content), headers=JSON_TYPE)
