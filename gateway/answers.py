"""Answers as bytes: JSON and the few headers that all of them carry."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

encode = msgspec.json.Encoder().encode

COMMON = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
"""A page says for itself what it needs."""
RAW_COMMON = [(name.lower().encode(), value.encode()) for name, value in COMMON.items()]
OF_THE_SERVER = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-resource-policy", "same-origin"),
)
"""Without exception, also where no route of ours answers: the server itself puts them in front of every answer."""
OVER_TLS = ("strict-transport-security", "max-age=31536000")
"""Only where the public address is https: a browser would refuse http for a year."""
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
