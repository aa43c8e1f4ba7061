"""One path, and a handler for each HTTP method that it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.answers import nothing
from gateway.operations import begin, operation_of
from gateway.problems import Problem

Handler = Callable[[Request], Awaitable[Response]]


class Resource:
    """An ASGI endpoint: Starlette would answer for the first route of a path only, so Allow would be incomplete."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers
        self.operations = {method: operation_of(handler) for method, handler in handlers.items()}
        self.allowed = (*handlers, *(["HEAD"] if "GET" in handlers else []), "OPTIONS")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        handler = self._handlers.get("GET" if method == "HEAD" else method)
        if handler is not None:
            request = Request(scope, receive)
            begin(request, operation_of(handler))
            response = await handler(request)
        else:
            response = not_handled(method, self.allowed)
        await response(scope, receive, send)


def at(path: str, **handlers: Handler) -> Route:
    return Route(path, Resource(handlers))


def not_handled(method: str, allowed: tuple[str, ...]) -> Response:
    allow = {"Allow": ", ".join(allowed)}
    if method == "OPTIONS":
        return nothing(headers=allow)
    raise Problem("method_not_allowed", headers=allow)
