"""RFC 9457 problems: raised anywhere in the gateway, answered in one form, without internals."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.failure import Category, Final
from domain.refusal import Refused
from domain.rules.tokens import without_tokens
from gateway.answers import COMMON, encode
from gateway.codes import PROBLEMS

MEDIA_TYPE = "application/problem+json"
RETRY_LATER = (429, 503)
NO_MEMBERS: Mapping[str, object] = MappingProxyType({})
KEY_IN_TEXT = re.compile(r"blk_[a-z0-9]{12}_[0-9a-f]+(_[0-9a-f]*)?", re.ASCII)
"""Whole, or cut off in the middle of its secret."""
LINGER_S = 1.0
LINGER_BYTES = 4 * 1024 * 1024
FAULTS_OF_OURS = 500
CODE_OF_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
"""For what Starlette's own routing says."""


class ProblemBody(msgspec.Struct, kw_only=True):
    """An error after RFC 9457. What has no value is left out."""

    type: str
    """The address of a page about its code."""
    title: str
    status: int
    detail: str
    """What happened and what can be done."""
    code: str
    """Stable: programs may rely on it."""
    retry_after_s: float | msgspec.UnsetType = msgspec.UNSET
    limit: str | msgspec.UnsetType = msgspec.UNSET
    """Of callers: which of them."""
    request_id: str | msgspec.UnsetType = msgspec.UNSET
    """Of a fault of ours: as it stands in our log."""
    horizon: datetime | msgspec.UnsetType = msgspec.UNSET
    """Earlier moments cannot be asked about."""
    command_id: str | msgspec.UnsetType = msgspec.UNSET
    outcome: Final | msgspec.UnsetType = msgspec.UNSET
    """Of a command; where it lacks, nothing is said about whether it was sent."""
    category: Category | msgspec.UnsetType = msgspec.UNSET
    telegram_code: int | msgspec.UnsetType = msgspec.UNSET
    telegram_description: str | msgspec.UnsetType = msgspec.UNSET
    """Telegram's own words."""
    result: Any = msgspec.UNSET
    """Telegram's own, where it was executed and could not be recorded."""
    attempts: int | msgspec.UnsetType = msgspec.UNSET
    position: int | msgspec.UnsetType = msgspec.UNSET


class Problem(Exception):
    """What the caller is told in place of an answer; `members` are further fields of the problem."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        closes: bool = False,
        members: Mapping[str, object] = NO_MEMBERS,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail or PROBLEMS[code].advice
        self.retry_after_s = retry_after_s
        self.headers = headers or {}
        self.closes = closes
        """The request was not read to its end, and will not be."""
        self.members = members


class LastResponse(Response):
    """Closes the connection, but not at once: a reset would take the answer away from a client that still sends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await _listen_a_little(receive)
        await send({"type": "http.response.body", "body": b""})


def told(problem: Problem) -> Response:
    kind = PROBLEMS[problem.code]
    body: dict[str, object] = {
        "type": f"/problems/{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": without_secrets(problem.detail),
        "code": problem.code,
        **{name: value for name, value in problem.members.items() if value is not None},
    }
    headers = {**COMMON, **problem.headers}
    if problem.retry_after_s is not None:
        body["retry_after_s"] = round(problem.retry_after_s, 3)
    if kind.status in RETRY_LATER or problem.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after_s or 0)))
    if problem.closes:
        headers["Connection"] = "close"
    response = LastResponse if problem.closes else Response
    return response(encode(body), kind.status, headers, MEDIA_TYPE)


def of_refusal(refused: Refused, members: Mapping[str, object] = NO_MEMBERS) -> Problem:
    return Problem(refused.code, refused.detail, retry_after_s=refused.retry_after_s, members=members)


async def on_problem(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)  # noqa: S101  registered for this class
    return told(problem)


async def on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this class
    usual = "invalid_request" if error.status_code < FAULTS_OF_OURS else "internal"
    return told(Problem(CODE_OF_STATUS.get(error.status_code, usual), headers=error.headers))


async def on_store_away(_: Request, __: Exception) -> Response:
    """Where no route has said it better."""
    detail = "The event store does not answer; what was asked for may have been done. Look before you try again."
    return told(Problem("store_unavailable", detail, retry_after_s=1.0))


def without_secrets(text: str) -> str:
    """For what repeats what was sent: a token or a key may have been sent in any place."""
    return KEY_IN_TEXT.sub("<key>", without_tokens(text))


async def _listen_a_little(receive: Receive) -> None:
    left = LINGER_BYTES
    while left > 0:
        message = await receive()
        if not message.get("more_body"):
            return
        left -= len(message["body"])
