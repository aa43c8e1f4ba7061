"""What the gateway says of itself, for programs and for people: the API, and what each problem code means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cache

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.answers import answer, encode
from gateway.codes import PROBLEMS
from gateway.openapi import document
from gateway.operations import Media, operation
from gateway.pages import page, wants_page, written
from gateway.problems import Problem
from gateway.routing import at
from gateway.sessions import Sessions
from gateway.shared_answers import with_shared_answers

HTML = Media("text/html")
CODE = {"code": str, "title": str, "status": int, "detail": str}


class Documents:
    def __init__(self, routes: Callable[[], Sequence[BaseRoute]], version: str, sessions: Sessions) -> None:
        """`routes`: all there are, once they are put together. What is said is made when it is first asked for."""
        self._cookie = sessions.name
        self._document = cache(lambda cookie: document(routes(), version, cookie))
        self._encoded = cache(lambda cookie: msgspec.Raw(encode(with_shared_answers(self._document(cookie)))))
        self._page = cache(lambda cookie: written("docs.html", api=self._document(cookie)))

    def routes(self) -> list[Route]:
        return [
            at("/openapi.json", GET=self.described),
            at("/docs", GET=self.shown),
            at("/problems", GET=self.problems),
            at("/problems/{code}", GET=self.problem),
        ]

    @operation("This document", answers={200: dict[str, object]})
    async def described(self, request: Request) -> Response:
        return answer(await asyncio.to_thread(self._encoded, self._cookie(request)))

    @operation("The same for people", answers={200: HTML})
    async def shown(self, request: Request) -> Response:
        return page(await asyncio.to_thread(self._page, self._cookie(request)))

    @operation("All problem codes", answers={200: ({"problems": list[dict[str, object]]}, HTML)})
    async def problems(self, request: Request) -> Response:
        """JSON, or a page where the Accept header prefers one."""
        told = [_told(code) for code in PROBLEMS]
        return page(written("problems.html", problems=told)) if wants_page(request) else answer({"problems": told})

    @operation("What a problem code means", answers={200: (CODE, HTML)})
    async def problem(self, request: Request) -> Response:
        """JSON, or a page where the Accept header prefers one."""
        code = request.path_params["code"]
        if code not in PROBLEMS:
            raise Problem("not_found", "There is no such problem code. GET /problems lists them all.")
        told = _told(code)
        return page(written("problems.html", problems=[told])) if wants_page(request) else answer(told)


def _told(code: str) -> dict[str, object]:
    kind = PROBLEMS[code]
    return {"code": code, "title": kind.title, "status": kind.status, "detail": kind.advice}
