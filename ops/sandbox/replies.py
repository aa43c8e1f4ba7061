"""An answer before it is on the wire: its status, its body and whether the call took effect."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from aiohttp import web

from ops.sandbox.errors import Refusal, html_page

encode = msgspec.json.Encoder().encode
JSON_TYPE: Mapping[str, str] = MappingProxyType({"Content-Type": "application/json"})
HTML_TYPE = {"Content-Type": "text/html"}


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    headers: Mapping[str, str] = JSON_TYPE
    effect: bool = False

    def response(self) -> web.Response:
        return web.Response(status=self.status, body=self.body, headers=self.headers)


def success(result: object) -> Reply:
    return Reply(200, encode({"ok": True, "result": result}), effect=True)


def refusal(answer: Refusal) -> Reply:
    wait = (answer.parameters or {}).get("retry_after")
    headers = JSON_TYPE if wait is None else {**JSON_TYPE, "Retry-After": str(wait)}
    return Reply(answer.code, answer.body(), headers)


def html(status: int) -> Reply:
    return Reply(status, html_page(status), HTML_TYPE)
