"""Answers as bytes: JSON and the few headers that all of them carry."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

encode = msgspec.json.Encoder().encode

COMMON = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
RAW_COMMON = [(name.lower().encode(), value.encode()) for name, value in COMMON.items()]
COMMAND_ID = "Botloft-Command-Id"
POSITION = "Botloft-Position"


def answer(
    content: object, status: int = 200, *, position: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(encode(content), status, _headers(position, headers), "application/json")


def nothing(*, position: int | None = None, headers: Mapping[str, str] | None = None) -> Response:
    return Response(None, 204, _headers(position, headers))


def _headers(position: int | None, more: Mapping[str, str] | None) -> dict[str, str]:
    where = {} if position is None else {POSITION: str(position)}
    return {**COMMON, **where, **(more or {})}
