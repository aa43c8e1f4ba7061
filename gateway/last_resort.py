"""The outermost layer: whatever nobody expected is logged under a number, and the caller is told that number."""

from __future__ import annotations

import asyncio

import uuid_utils
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog import get_logger

from gateway.problems import Problem, told

CUT_OFF = "The gateway has stopped before this was answered. Look whether it was done before you send it again."

log = get_logger()


class LastResort:
    """Whatever nobody expected. Starlette's own handler would raise it on, text and all, into the server's log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noticed(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noticed)
        except asyncio.CancelledError:
            # The server stops and waits no longer. Its own last word would be a bare 500.
            problem = Problem("shutting_down", CUT_OFF, retry_after_s=2.0)
        except Exception as error:  # noqa: BLE001  this is where all of them end
            problem = unexpected(error)
        else:
            return
        if not started:
            await told(problem)(scope, receive, send)


def unexpected(error: Exception) -> Problem:
    """Logs its class and its place alone: the text may hold what a request brought along."""
    request_id = str(uuid_utils.uuid7())
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace is not None else None
    log.error("request_failed", request_id=request_id, error=type(error).__name__, place=place)
    return Problem("internal", members={"request_id": request_id})
