"""The layer that counts requests by address before anything is done, and failed keys when they have failed."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.clients import client_of
from gateway.limits import BY_KEY_OR_PATH, Kind, Limits, kind_of
from gateway.problems import Problem, told

AUTHORIZATION = b"authorization"
FAILED = 401


class Limited:
    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or client_of(scope).is_exempt:
            await self._app(scope, receive, send)
            return
        try:
            await self._counted(scope, receive, send)
        except Problem as problem:
            await told(problem)(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        client, limits = client_of(scope), self._limits
        kind = kind_of(scope["method"], scope["path"])
        shows_key = kind is Kind.LOGIN or any(name == AUTHORIZATION for name, _ in scope["headers"])
        if kind is Kind.COMMANDS and not shows_key:
            kind = Kind.PUBLIC
        allowance = None if kind in BY_KEY_OR_PATH else await limits.take(kind, client)
        told_of = {} if allowance is None else limits.headers(allowance)
        headers = [(name.lower().encode(), value.encode()) for name, value in told_of.items()]
        has_failed = False
        if shows_key:
            # Nothing is waited for between this and the look at the key: no attempt slips through beside others.
            limits.check_failures(client)

        async def noticed(message: Message) -> None:
            nonlocal has_failed
            if message["type"] == "http.response.start":
                if shows_key and message["status"] == FAILED:
                    has_failed = True
                    limits.failed(client)
                if headers:
                    message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await self._app(scope, receive, noticed)
        if has_failed:
            await limits.failed_elsewhere(client)
